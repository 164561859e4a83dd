"""What `source_aware` gains where two labellers disagree, on data that are made to.

    python -m benchmarks.two_labellers --data ~/data/faces

The labels of the four-point rows are shifted; the net is trained on them with and without the
option, and once on the labels as they were. Errors are those on held-out faces with all labels,
which are never shifted.
"""

import dataclasses

import numpy as np

import command_line
import keypoint_schema
from benchmarks import short_training

PROGRAM = "python -m benchmarks.two_labellers"


def main(argv=None):
    parser = short_training.make_parser(PROGRAM, __doc__, net="heatmap_s", epochs=8)
    short_training.add_seeds(parser, [1, 2])
    parser.add_argument(
        "--shift", type=float, nargs=2, default=(2.0, 2.0), help="x and y, px (default: 2 2)"
    )
    arguments = parser.parse_args(argv)
    data = short_training.load_data(arguments)
    shift = data.four_point[:, None, None] * np.array(arguments.shift, np.float32)
    shifted = dataclasses.replace(data, keypoints=data.keypoints + shift)
    print("| RMSE px on complete rows | 15 keypoints | the four |\n|:--|--:|--:|", flush=True)
    for way, faces, source_aware in (
        ("shifted, without the option", shifted, False),
        ("shifted, `source_aware`", shifted, True),
        ("not shifted", data, False),
    ):
        errors = [measure(arguments, faces, seed, source_aware) for seed in arguments.seeds]
        every, four = np.mean(errors, axis=0)
        print(f"| {way} | {every:.3f} | {four:.3f} |", flush=True)


def measure(arguments, data, seed, source_aware):
    """Trains; returns the RMSE px over all keypoints, and over those of the four-point rows."""
    import data_pipeline
    import models
    from evaluation import metrics

    train, valid = (side.labelled() for side in data_pipeline.split(data, seed))
    recipe = models.find(arguments.net).recipe
    recipe = dataclasses.replace(recipe, epochs=arguments.epochs, source_aware=source_aware)
    net = short_training.train_net(arguments.net, recipe, train, valid, seed)
    complete = valid.select(valid.names)
    predicted = net.predict(complete.images)
    four = keypoint_schema.indices(keypoint_schema.FOUR_POINTS)
    return [
        metrics.rmse_px(predicted[:, chosen], complete.keypoints[:, chosen]).value()
        for chosen in (slice(None), four)
    ]


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
