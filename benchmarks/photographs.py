"""How accurate nets are on whole photographs, compared with crops that fit exactly.

    python -m benchmarks.photographs preset:heatmap_s runs/heatmap_s --data ~/data/helen \
        --held-out-by runs/heatmap_s

Faces are pasted at known places into landscapes, as in `benchmarks.face_detection`, and found
again as `predict.py --detect --flip-average` finds them. The error of a face is its NME: the mean
distance of its keypoints from their labels, divided by the distance between the outer corners of
the eyes. A missed face has none and is counted. A net answers as the data's labeller, if it can.
"""

import argparse

import numpy as np

import command_line
import keypoint_schema
from benchmarks.pasted_faces import compose, find_square

PROGRAM = "python -m benchmarks.photographs"
_CORNERS = [keypoint_schema.NAMES.index(f"{side}_eye_outer_corner") for side in ("left", "right")]


def main(argv=None):
    parser = command_line.Parser(
        prog=PROGRAM, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("nets", nargs="+", metavar="NET", help="run folders or preset:NAME")
    parser.add_argument("--data", required=True, help="Kaggle's files")
    parser.add_argument("--held-out-by", metavar="RUN", help="only faces that this run held out")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    command_line.start_quietly()
    import data_pipeline
    import pictures
    from evaluation.metrics import rmse_px

    data = data_pipeline.load_faces(arguments.data)
    if arguments.held_out_by:
        data = held_out(arguments.held_out_by, data)
    nets = [load(origin, data.labellers[0]) for origin in arguments.nets]
    photographs = list(compose(data, arguments.seed))
    detector = pictures.FaceDetector()
    # Every net is asked about the same boxes.
    boxes = [[face.box for face in detector.find(each[0])] for each in photographs]
    print(
        f"{'':28}{'faces':>8}{'missed':>8}{'NME, median':>13}{'mean':>8}{'exact crop':>12}"
        f"{'RMSE of all crops':>20}"
    )
    for net in nets:
        found, exact = measure(net, data.keypoints, photographs, boxes)
        is_found = np.isfinite(found)
        both = f"{np.median(found[is_found]):13.2%}{found[is_found].mean():8.2%}"
        rmse = rmse_px(net.predict_all(data.images), data.keypoints).value()
        print(
            f"{net.origin:28}{len(found):8}{(~is_found).sum():8}{both}{np.median(exact):12.2%}"
            f"{rmse:17.3f} px",
            flush=True,
        )


def held_out(run, data):
    """The faces that a run held out."""
    from errors import UserError
    from trained_nets.held_out import find_held_out
    from trained_nets.loading import load_keras_net

    net = load_keras_net(run)
    found = find_held_out(net.config, net.origin, data)
    if found.rows is None:
        raise UserError(found.reason)
    return data.rows(found.rows)


def load(origin, labeller):
    """The flip-averaged net, as that labeller if it can."""
    from trained_nets.loading import load_net
    from trained_nets.trained_net import flip_averaged

    net = load_net(origin)
    return flip_averaged(net.as_labeller(labeller) if labeller in net.labellers else net)


def measure(net, labels, photographs, boxes):
    """The NME of each pasted face that has the labels for it, `(N,)` twice.

    Args:
        net: a `TrainedNet`.
        labels: of all faces, `(M, 15, 2)` px of their crops.
        photographs: from `compose`.
        boxes: those that the detector has put into each photograph.

    Returns:
        In the box of the detector, NaN for missed faces; and in exactly the square pasted.
    """
    from evaluation.metrics import face_nme
    from pictures.cropping import Box, to_photograph

    faces = []  # of each: photograph, its box if it was found, its square, labels
    for (photograph, squares, rows), all_boxes in zip(photographs, boxes, strict=True):
        gray, left = np.asarray(photograph), list(all_boxes)
        for (x, y, side), row in zip(squares, rows, strict=True):
            match = find_square((x, y, side), left)
            if match:
                left.remove(match.box)
            faces.append((gray, match and match.box, Box(x, y, side, side), labels[row]))
    exact = predict(net, [(gray, square) for gray, _, square, _ in faces])
    found = np.full_like(exact, np.nan)
    found[[box is not None for _, box, _, _ in faces]] = predict(
        net, [(gray, box) for gray, box, _, _ in faces if box]
    )
    actual = np.array([to_photograph(label, square) for _, _, square, label in faces])
    distance = np.linalg.norm(actual[:, _CORNERS[0]] - actual[:, _CORNERS[1]], axis=1)
    known = np.isfinite(distance)
    return tuple(face_nme(each, actual, distance)[known] for each in (found, exact))


def predict(net, places):
    """The keypoints of faces, `(N, 15, 2)` px of their photographs, given (photograph, box)."""
    from pictures.cropping import crop, to_photograph

    predicted = net.predict_all(np.array([crop(gray, box) for gray, box in places]))
    boxes = [box for _, box in places]
    return np.array([to_photograph(*each) for each in zip(predicted, boxes, strict=True)])


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
