"""How accurate nets are on whole photographs, compared with crops that fit exactly.

    python -m benchmarks.photographs preset:heatmap_s runs/heatmap_s --data ~/data/helen \
        --held-out-by runs/heatmap_s

Faces are pasted at known places into landscapes, as in `benchmarks.face_detection`, and found
again as `predict.py --detect --flip-average` finds them. The error of a face is its NME: the mean
distance of its keypoints from their labels, divided by the distance between the outer corners of
the eyes. A missed face has none and is counted. A net answers as the data's labeller, if it can.
"Again" is its answer in a box around its first answer.
"""

import numpy as np

import command_line
import tensorflow_start
from benchmarks.pasted_faces import compose, find_squares

PROGRAM = "python -m benchmarks.photographs"


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("nets", nargs="+", metavar="NET", help="run folders or preset:NAME")
    parser.add_argument("--data", type=command_line.not_empty, required=True, help="Kaggle's files")
    parser.add_argument(
        "--held-out-by",
        type=command_line.not_empty,
        metavar="RUN",
        help="only faces that this run held out",
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import data_pipeline
    import pictures
    from evaluation.metrics import rmse_px
    from trained_nets.held_out import require_held_out
    from trained_nets.loading import load_keras_net, load_net
    from trained_nets.predictions import answering
    from trained_nets.trained_net import flip_averaged

    data = data_pipeline.load_faces(arguments.data)
    if arguments.held_out_by:
        data = require_held_out(load_keras_net(arguments.held_out_by), data)
    nets = [
        flip_averaged(answering(load_net(origin), None, data.labellers[0]))
        for origin in arguments.nets
    ]
    photographs = list(compose(data, arguments.seed))
    detector = pictures.FaceDetector()
    # Every net is asked about the same boxes.
    boxes = [[face.box for face in detector.find(each[0])] for each in photographs]
    print(
        f"{'':28}{'faces':>8}{'missed':>8}{'NME, median':>13}{'mean':>8}{'again, median':>15}"
        f"{'mean':>8}{'exact crop':>12}{'RMSE of all crops':>20}"
    )
    for net in nets:
        found, again, exact = measure(net, data.keypoints, photographs, boxes)
        is_found = np.isfinite(found)
        both = f"{np.median(found[is_found]):13.2%}{found[is_found].mean():8.2%}"
        both += f"{np.median(again[is_found]):15.2%}{again[is_found].mean():8.2%}"
        rmse = rmse_px(net.predict_all(data.images), data.keypoints).value()
        print(
            f"{net.origin:28}{len(found):8}{(~is_found).sum():8}{both}{np.median(exact):12.2%}"
            f"{rmse:17.3f} px",
            flush=True,
        )


def measure(net, labels, photographs, boxes):
    """The NME of each pasted face that has the labels for it, `(N,)` three times.

    Args:
        net: a `TrainedNet`.
        labels: of all faces, `(M, 15, 2)` px of their crops.
        photographs: from `compose`.
        boxes: those that the detector has put into each photograph.

    Returns:
        In the box of the detector, NaN for missed faces; again in the box around these answers; and
        in exactly the square pasted.
    """
    from evaluation.metrics import OUTER_CORNERS, face_nme, inter_ocular_distance
    from pictures.cropping import Box, to_photograph
    from pictures.tracking import box_around

    faces = []  # of each: photograph, its box if it was found, its square, labels
    for (photograph, squares, rows), all_boxes in zip(photographs, boxes, strict=True):
        gray, matches = np.asarray(photograph), find_squares(squares, all_boxes)
        for (x, y, side), match, row in zip(squares, matches, rows, strict=True):
            faces.append((gray, match and match.box, Box(x, y, side, side), labels[row]))
    exact = predict(net, [(gray, square) for gray, _, square, _ in faces])
    found, again = np.full_like(exact, np.nan), np.full_like(exact, np.nan)
    if any(is_found := [box is not None for _, box, _, _ in faces]):
        places = [(gray, box) for gray, box, _, _ in faces if box]
        found[is_found] = predict(net, places)
        reframed = [box_around(points) for points in found[is_found]]
        places = [(gray, box) for (gray, _), box in zip(places, reframed, strict=True)]
        again[is_found] = predict(net, places)
    actual = np.array([to_photograph(label, square) for _, _, square, label in faces])
    distance = inter_ocular_distance(actual, between=OUTER_CORNERS)
    known = np.isfinite(distance)
    return tuple(face_nme(each, actual, distance)[known] for each in (found, again, exact))


def predict(net, places):
    """The keypoints of faces, `(N, 15, 2)` px of their photographs, given (photograph, box)."""
    from pictures.cropping import crop, to_photograph

    predicted = net.predict_all(np.array([crop(gray, box) for gray, box in places]))
    boxes = [box for _, box in places]
    return np.array([to_photograph(*each) for each in zip(predicted, boxes, strict=True)])


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
