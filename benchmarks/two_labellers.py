"""What `--source-aware` brings where two labellers differ, on data that are made to.

    python benchmarks/two_labellers.py --data ~/data/faces

The labels of the four-point rows are moved by a shift; the net is trained without the option, with
it, and on labels that were not moved; the errors are those on held-out faces with all labels, which
never move.
"""

import argparse
import dataclasses
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import command_line  # noqa: E402
import keypoint_schema  # noqa: E402
from benchmarks.quiet_training import trained_net  # noqa: E402


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    import data_pipeline
    import models

    models.set_precision(models.choose_precision("auto")[0])
    data = data_pipeline.load_faces(arguments.data)
    print("| RMSE px on complete rows | 15 keypoints | the four |\n|:--|--:|--:|", flush=True)
    for way, shift, source_aware in (
        ("moved, unaware", arguments.shift, False),
        ("moved, --source-aware", arguments.shift, True),
        ("not moved, unaware", (0.0, 0.0), False),
    ):
        errors = [measure(arguments, data, seed, shift, source_aware) for seed in arguments.seeds]
        cells = " | ".join(f"{error:.3f}" for error in np.mean(errors, axis=0))
        print(f"| {way} | {cells} |", flush=True)


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", help="as for train.py (default: the drawn faces)")
    parser.add_argument("--net", default="heatmap_s", help="of the zoo (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=8, help="default: %(default)s")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1, 2], help="one split each (default: 1 2)"
    )
    parser.add_argument(
        "--shift", type=float, nargs=2, default=(2.0, 2.0), help="x and y, px (default: 2 2)"
    )
    arguments = parser.parse_args(argv)
    if arguments.epochs < 1:
        parser.error(f"--epochs must be at least 1. Received: {arguments.epochs}.")
    return arguments


def measure(arguments, data, seed, shift, source_aware):
    """Trains; returns the RMSE in px over all keypoints and over the four-point labeller's."""
    import data_pipeline
    import models
    from evaluation import metrics

    keypoints = data.keypoints + data.four_point[:, None, None] * np.asarray(shift, np.float32)
    moved = dataclasses.replace(data, keypoints=keypoints)
    train, valid = (side.labelled() for side in data_pipeline.split(moved, seed))
    recipe = models.find(arguments.net).recipe.override(
        {"epochs": arguments.epochs, "source_aware": source_aware}
    )
    model = trained_net(arguments.net, recipe, train, valid, seed).model
    complete = valid.select(valid.names)
    predicted = keypoint_schema.to_pixels(model.predict(complete.images, verbose=0))
    four = keypoint_schema.indices(keypoint_schema.FOUR_POINTS)
    return [
        metrics.rmse_px(predicted[:, chosen], complete.keypoints[:, chosen]).value()
        for chosen in (range(len(valid.names)), four)
    ]


if __name__ == "__main__":
    command_line.run(main)
