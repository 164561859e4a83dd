"""Three ways to learn from data sets whose labellers put the same keypoints at different places.

    python -m benchmarks.labellers --data ~/data/faces --data ~/data/helen

- mixed: all faces as if one labeller had labelled them.
- offset: the same, with each labeller's mean offset taken off the labels before training and added
  to the answers; the mixed net of the same fold says what the offsets are.
- outputs: the net predicts each labeller's keypoints with weights of their own in the output layer,
  as train.py does.

Each is trained on all folds but one and judged by the faces of that one, flip-averaged, against the
labels of each labeller.
"""

import dataclasses

import numpy as np

import command_line
from benchmarks import short_training

PROGRAM = "python -m benchmarks.labellers"


def main(argv=None):
    parser = short_training.make_parser(PROGRAM, __doc__, net="heatmap_s", epochs=30, several=True)
    parser.add_argument("--folds", type=command_line.at_least(2), default=5)
    parser.add_argument(
        "--judge", type=command_line.at_least(1), default=2, help="how many of them (default: 2)"
    )
    arguments = parser.parse_args(argv)
    if arguments.judge > arguments.folds:
        parser.error(f"--judge must be at most --folds, {arguments.folds}.")
    data = short_training.load_data(arguments).labelled()
    rows = compare(arguments, data)
    print(f"| RMSE px | {' | '.join(data.labellers)} |\n|:--|{'--:|' * len(data.labellers)}")
    for way, errors in rows.items():
        cells = [f"{error:.3f}" for error in np.mean(errors, axis=0)]
        print(f"| {way} | {' | '.join(cells)} |")


def compare(arguments, data):
    """Trains; returns for each way, fold and labeller the RMSE px on the faces left out."""
    import data_pipeline

    rows = {"mixed": [], "offset": [], "outputs": []}
    sides = data_pipeline.folds(data, arguments.folds, seed=1)[: arguments.judge]
    for number, (outside, inside) in enumerate(sides, start=1):
        train, valid = data.rows(outside), data.rows(inside)
        mixed = train_as(arguments, as_one(train))
        offsets = mean_offsets(mixed, train)
        trained = {
            "mixed": (mixed, np.zeros_like(offsets)),
            "offset": (train_as(arguments, as_one(train, offsets)), offsets),
            "outputs": (train_as(arguments, train), np.zeros_like(offsets)),
        }
        for way, (net, added) in trained.items():
            rows[way].append(judge(net, added, valid))
            print(f"fold {number}, {way}: {rows[way][-1]}", flush=True)
    return rows


def as_one(data, offsets=None):
    """The faces as if one labeller had labelled them, without each one's offset."""
    labels = data.keypoints if offsets is None else data.keypoints - offsets[data.labelled_by]
    return dataclasses.replace(
        data, keypoints=np.asarray(labels, np.float32), labellers=("all",), labelled_by=None
    )


def mean_offsets(net, train):
    """Means of labels minus answers by labeller, `(L, K, 2)` px; 0 where one has no labels."""
    errors = train.keypoints - net.predict(train.images)
    each = [errors[train.labelled_by == number] for number in range(len(train.labellers))]
    return np.stack([np.nansum(one, 0) / np.maximum(np.isfinite(one).sum(0), 1) for one in each])


def train_as(arguments, train):
    import models

    recipe = dataclasses.replace(models.find(arguments.net).recipe, epochs=arguments.epochs)
    nothing = train.rows([])
    return short_training.train_net(arguments.net, recipe, train, nothing, seed=1)


def judge(net, offsets, valid):
    from evaluation import metrics
    from trained_nets.predictions import predict_as_labelled

    predicted = predict_as_labelled(net, valid, flip_average=True) + offsets[valid.labelled_by]
    errors = []
    for number in range(len(valid.labellers)):
        rows = valid.labelled_by == number
        error = metrics.rmse_px(predicted[rows], valid.keypoints[rows]).value()
        errors.append(round(float(error), 4))
    return errors


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
