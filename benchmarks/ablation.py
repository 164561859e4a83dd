"""What each part of a recipe brings: trains a net without it, for several splits and seeds.

    python benchmarks/ablation.py --data ~/data/faces --seeds 1 2 3

Each seed splits the persons (pictures, where it is not known who is in them) anew, so the spread is
over validation faces, initial weights and order together. Changes are compared within a seed.
Results are kept in a CSV file as they come, and runs that it holds are not repeated.
"""

import argparse
import csv
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import command_line  # noqa: E402
from benchmarks.quiet_training import trained_net  # noqa: E402

WHOLE = "the whole recipe"
CHANGES = {
    WHOLE: {},
    "mirrored labels as if symmetric": {"mirror_offset": False},
    "no cross-entropy on heatmaps": {"heatmap_loss": 0.0},
    "mean squared error instead of Huber": {"loss": "mse"},
    "no averaging of weights": {"averaging": None},
    "no weight decay": {"weight_decay": 0.0},
    "flips as the only augmentation": {"augmentation": "flip"},
    "no augmentation": {"augmentation": "none"},
    "completely labelled faces only": {"rows": "complete"},
}
COLUMNS = ("net", "epochs", "change", "seed", "rmse_px", "rmse_px_flip_average", "seconds")


def main():
    arguments = parse_arguments()
    command_line.start_quietly()
    import data_pipeline
    import models

    models.set_precision(models.choose_precision("auto")[0])
    data = data_pipeline.load_faces(arguments.data)
    arguments.csv.parent.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seeds:
        for change in CHANGES:
            if not any(is_run(row, arguments, change, seed) for row in read_rows(arguments.csv)):
                append_row(arguments.csv, measure(arguments, data, change, seed))
    print(table(read_rows(arguments.csv), arguments))


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", help="as for train.py (default: the drawn faces)")
    parser.add_argument("--net", default="heatmap_s", help="of the zoo (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=24, help="default: %(default)s")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--csv", type=pathlib.Path, default="ablation.csv", help="the results")
    return parser.parse_args()


def measure(arguments, data, change, seed):
    """Trains the net with the change; returns its row."""
    import data_pipeline
    import models
    from predictor import flip_averaged, from_net

    recipe = models.find(arguments.net).recipe.override(
        {"epochs": arguments.epochs} | CHANGES[change]
    )
    train, valid = (side.labelled() for side in data_pipeline.split(data, seed))
    if recipe.rows == "complete":
        train = train.select(train.names)
    began = time.perf_counter()
    net = trained_net(arguments.net, recipe, train, valid, seed)
    plain = from_net(arguments.net, net)
    errors = [rmse(predictor, valid) for predictor in (plain, flip_averaged(plain))]
    seconds = round(time.perf_counter() - began, 1)
    row = (arguments.net, arguments.epochs, change, seed, *errors, seconds)
    print(f"seed {seed}, {change}: {errors[0]:.3f} px, flip-averaged {errors[1]:.3f}", flush=True)
    return dict(zip(COLUMNS, row, strict=True))


def rmse(predictor, valid):
    from evaluation import metrics

    return metrics.rmse_px(predictor.predict(valid.images), valid.keypoints).value()


def read_rows(path):
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def append_row(path, row):
    is_new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def is_run(row, arguments, change, seed):
    wanted = (arguments.net, str(arguments.epochs), change, str(seed))
    return tuple(row[column] for column in COLUMNS[:4]) == wanted


def table(rows, arguments):
    """Markdown: mean RMSE over the seeds, and the mean and spread of the differences."""
    import numpy as np

    def errors(change, column):
        found = [
            [float(row[column]) for row in rows if is_run(row, arguments, change, seed)]
            for seed in arguments.seeds
        ]
        return np.array([each[0] for each in found])

    lines = [
        "| | RMSE px | flip-averaged | difference, by seed |",
        "|:--|--:|--:|:--|",
    ]
    whole = errors(WHOLE, "rmse_px_flip_average")
    for change in CHANGES:
        averaged = errors(change, "rmse_px_flip_average")
        differences = " ".join(f"{each:+.3f}" for each in averaged - whole)
        lines.append(
            f"| {change} | {errors(change, 'rmse_px').mean():.3f} | {averaged.mean():.3f} "
            f"| {differences if change != WHOLE else ''} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    command_line.run(main)
