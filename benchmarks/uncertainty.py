"""Which answers are wrong? Compares what heatmap nets can say of how sure they are.

    python -m benchmarks.uncertainty runs/heatmap_l --data ~/data/faces --data ~/data/helen

The faces are those that the run held out, each answered as its labeller labels. An answer's signals
are its uncertainty (what `predict.py --uncertainty` tells), the entropy of its heatmap, how far the
mirrored face's answer is from it, how far the answers scatter when the crop is moved, turned and
scaled a little, and the sum of the ranks of uncertainty, mirror and scatter.

The first table compares them. For answers: Spearman's rank correlation of signal and error from
face to face, mean over the keypoints; of the tenth with the highest signals, the share that it has
of all errors above 5 px, and how many in it are right all the same. For faces: the rank correlation
of mean signal and mean error; and of the tenth with the highest signals, how many are in the tenth
with the largest errors, and the mean error, beside that of the others.

The second says how large the errors are of answers of more or less uncertainty.
"""

import itertools
import math

import numpy as np

import command_line
import keypoint_schema
import tensorflow_start
from errors import UserError

PROGRAM = "python -m benchmarks.uncertainty"
WRONG = 5.0  # px
_UNCERTAINTY = "uncertainty"
_EDGES = (0, 1, 2, 3, 4, 6, math.inf)  # px, of uncertainties in the second table
# Of each changed crop: shift in x and y, px; turn, degrees; scale.
_CHANGES = (
    (3, 1, 0, 1.0),
    (-3, -1, 0, 1.0),
    (-1, 3, 0, 1.0),
    (1, -3, 0, 1.0),
    (0, 0, 7, 1.0),
    (0, 0, -7, 1.0),
    (0, 0, 0, 1.08),
    (0, 0, 0, 0.92),
)


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("run", metavar="RUN", help="a run folder of a heatmap net")
    command_line.add_data_argument(parser, several=True)
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import data_pipeline
    from trained_nets.held_out import require_held_out
    from trained_nets.loading import load_keras_net
    from trained_nets.predictions import answering

    net = load_keras_net(arguments.run)
    print(
        "| labeller | signal | answers: rank correlation | errors above 5 px | right all the same "
        "| faces: rank correlation | worst tenth | mean error, px | the others |"
    )
    print(f"|:--|:--|{'--:|' * 7}")
    judged = []
    for path in arguments.data or [None]:
        data = require_held_out(net, data_pipeline.load_faces(path))
        labeller = data.labellers[0]
        own = answering(net, None, labeller)
        images = np.asarray(data.images)
        errors = np.linalg.norm(own.predict_all(images) - data.keypoints, axis=2)
        found = signals(own, images)
        for name, values in found.items():
            print(f"| {labeller} | {name} | {row(values, errors)} |", flush=True)
        judged.append((labeller, found[_UNCERTAINTY], errors))
    print("\n| labeller | uncertainty, px | answers | RMSE, px | above 5 px |")
    print(f"|:--|:--|{'--:|' * 3}")
    for labeller, uncertainties, errors in judged:
        for cells in errors_by_uncertainty(uncertainties, errors):
            print(f"| {labeller} | {cells} |")


def signals(net, images):
    """What might tell of each answer how wrong it is, by name, `(N, 15)` each.

    Args:
        net: a `TrainedNet` with heatmaps of all 15 keypoints.
        images: uint8 `(N, 96, 96, 1)`.
    """
    from trained_nets.uncertainty import to_answer

    if len(net.names) != keypoint_schema.NUM_KEYPOINTS:
        raise UserError(f"{net.origin} does not predict all keypoints. Name a heatmap net's run.")
    found = {
        _UNCERTAINTY: to_answer(net, False, True).predict(images)[..., 2],
        "entropy of the heatmap": entropy(net, images),
        "distance from the mirrored answer": of_mirror(net, images),
        "scatter over changed crops": of_changes(net, images),
    }
    ranked = [ranks(found[name]) for name in found if not name.startswith("entropy")]
    return found | {"uncertainty, mirror and scatter, as ranks": np.sum(ranked, axis=0)}


def entropy(net, images):
    """The entropy of each heatmap, nats."""
    import keras

    logits = keras.Model(net.model.input, net.model.layers[-1].input).predict(images, verbose=0)
    shares = np.exp(logits - logits.max((1, 2), keepdims=True), dtype=np.float64)
    shares /= shares.sum((1, 2), keepdims=True)
    return -(shares * np.log(shares + 1e-30)).sum((1, 2))


def of_mirror(net, images):
    """How far the answers are from those for the mirrored faces, px."""
    back = net.mirror().in_pixels(net.predict_all(images[:, :, ::-1]))
    return np.linalg.norm(back - net.predict_all(images), axis=2)


def of_changes(net, images):
    """The root mean square distance of the answers for changed crops from their mean, px."""
    answers = [net.predict_all(images)]
    for change in _CHANGES:
        forth, shift = affine(*change)
        changed = np.array([moved(image[:, :, 0], forth, shift) for image in images])
        answers.append((net.predict_all(changed[..., np.newaxis]) - shift) @ np.linalg.inv(forth).T)
    return np.sqrt(np.var(answers, axis=0).sum(2))


def affine(x, y, degrees, scale):
    """The matrix and the shift that carry a crop's points to the changed crop, about its middle."""
    turn = math.radians(degrees)
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    middle = np.full(2, keypoint_schema.IMAGE_CENTER)
    return matrix, np.array([x, y]) + middle - matrix @ middle


def moved(gray, matrix, shift):
    """The changed crop, uint8 `(96, 96)`; beyond the border, the border goes on."""
    from scipy import ndimage

    back = np.linalg.inv(matrix)
    # SciPy counts rows first.
    return ndimage.affine_transform(
        gray, back[::-1, ::-1], (-back @ shift)[::-1], order=1, mode="nearest"
    )


def row(signal, errors):
    """A row's cells for one signal; both `(N, 15)`, errors NaN where unlabelled."""
    labelled = np.isfinite(errors)
    by_keypoint = [
        correlation(signal[known, k], errors[known, k])
        for k, known in enumerate(labelled.T)
        if known.sum() > 2
    ]
    high, wrong = highest(signal[labelled]), errors[labelled] > WRONG
    caught = f"{wrong[high].sum()} of {wrong.sum()}"
    with_labels = labelled.any(1)
    of_face = signal[with_labels].mean(1)
    error = np.nanmean(errors[with_labels], axis=1)
    unsure, worst = highest(of_face), highest(error)
    return " | ".join(
        [
            f"{np.mean(by_keypoint):.2f}",
            caught,
            f"{(~wrong[high]).mean():.0%}",
            f"{correlation(of_face, error):.2f}",
            f"{np.isin(unsure, worst).sum()} of {len(worst)}",
            f"{error[unsure].mean():.2f}",
            f"{np.delete(error, unsure).mean():.2f}",
        ]
    )


def errors_by_uncertainty(uncertainties, errors):
    """Yields a row's cells for each range of uncertainties that has any; both `(N, 15)`."""
    labelled = np.isfinite(errors)
    for low, high in itertools.pairwise(_EDGES):
        within = labelled & (uncertainties >= low) & (uncertainties < high)
        if within.any():
            found = errors[within]
            yield " | ".join(
                [
                    f"{low} to {high}" if math.isfinite(high) else f"from {low}",
                    str(len(found)),
                    f"{np.sqrt(np.mean(found**2)):.2f}",
                    f"{(found > WRONG).sum()}",
                ]
            )


def highest(values):
    """Where the highest tenth of some values is."""
    return np.argsort(values)[len(values) - math.ceil(len(values) / 10) :]


def ranks(values):
    """From 0 to 1, of all values together."""
    from scipy import stats

    return stats.rankdata(values).reshape(values.shape) / values.size


def correlation(one, other):
    from scipy import stats

    return stats.spearmanr(one, other).statistic


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
