"""What each part of a recipe brings: trains a net without it, for several splits and seeds.

    python benchmarks/ablation.py --data ~/data/faces --seeds 1 2 3

Each seed splits the persons (pictures, where it is not known who is in them) anew, so the spread is
over validation faces, initial weights and order together. Changes are compared within a seed.
Results are kept in a CSV file as they come, and what it holds of the same data, precision, net and
epochs is not trained again.
"""

import argparse
import csv
import io
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import command_line  # noqa: E402
from benchmarks.quiet_training import trained_net  # noqa: E402
from errors import UserError  # noqa: E402

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
# What tells a training from another; the split depends on the data and what it is grouped by.
KEY = ("data", "grouped_by", "precision", "net", "epochs", "change", "seed")
COLUMNS = (*KEY, "rmse_px", "rmse_px_flip_average", "seconds")


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    import atomic_write
    import data_pipeline
    import models

    atomic_write.require_writable(arguments.csv)
    precision, _ = models.choose_precision("auto")
    models.set_precision(precision)
    data = data_pipeline.load_faces(arguments.data)
    setting = {
        "data": data.fingerprint,
        "grouped_by": data.grouped_by,
        "precision": precision,
        "net": arguments.net,
        "epochs": arguments.epochs,
    }
    seeds = list(dict.fromkeys(arguments.seeds))
    for seed in seeds:
        for change in CHANGES:
            key = setting | {"change": change, "seed": seed}
            if find(read_rows(arguments.csv), key) is None:
                row = measure(key, data)
                write_rows(arguments.csv, [*read_rows(arguments.csv), row])
    print(table(read_rows(arguments.csv), setting, seeds))


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", help="as for train.py (default: the drawn faces)")
    parser.add_argument("--net", default="heatmap_s", help="of the zoo (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=24, help="default: %(default)s")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[1, 2, 3], help="one split each (default: 1 2 3)"
    )
    parser.add_argument(
        "--csv",
        type=pathlib.Path,
        default="ablation.csv",
        help="the results (default: %(default)s)",
    )
    arguments = parser.parse_args(argv)
    if arguments.epochs < 1:
        parser.error(f"--epochs must be at least 1. Received: {arguments.epochs}.")
    return arguments


def measure(key, data):
    """Trains the net with the change; returns its row."""
    import data_pipeline
    import models
    from trained_nets.predictor import flip_averaged, from_net

    net, change, seed = key["net"], key["change"], key["seed"]
    recipe = models.find(net).recipe.override({"epochs": key["epochs"]} | CHANGES[change])
    train, valid = (side.labelled() for side in data_pipeline.split(data, seed))
    if recipe.rows == "complete":
        train = train.select(train.names)
    began = time.perf_counter()
    plain = from_net(net, trained_net(net, recipe, train, valid, seed))
    errors = [rmse(predictor, valid) for predictor in (plain, flip_averaged(plain))]
    seconds = round(time.perf_counter() - began, 1)
    print(f"seed {seed}, {change}: {errors[0]:.3f} px, flip-averaged {errors[1]:.3f}", flush=True)
    return dict(zip(COLUMNS, (*key.values(), *errors, seconds), strict=True))


def rmse(predictor, valid):
    from evaluation import metrics

    return metrics.rmse_px(predictor.predict(valid.images), valid.keypoints).value()


def read_rows(path):
    """The rows so far; none if there is no file.

    Raises:
        UserError: if it has other columns, as an earlier version of this script wrote.
    """
    if not path.exists():
        return []
    with open(path, newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != list(COLUMNS):
            raise UserError(
                f"{path} must have the columns {', '.join(COLUMNS)}. Received: "
                f"{', '.join(reader.fieldnames or []) or 'none'}. Name another file with --csv."
            )
        return list(reader)


def write_rows(path, rows):
    import atomic_write

    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write.write_text(path, out.getvalue())


def find(rows, key):
    """The row of a training, or None."""
    return next((row for row in rows if all(row[name] == str(key[name]) for name in KEY)), None)


def table(rows, setting, seeds):
    """Markdown: the mean RMSE over the seeds, and for each seed what leaving a part out changes.

    Args:
        rows: as `read_rows` has them; what they lack is a dash.
        setting: the key without change and seed.
        seeds: in the order of the differences.
    """
    import numpy as np

    def errors(change, column):
        keys = [setting | {"change": change, "seed": seed} for seed in seeds]
        found = [find(rows, key) for key in keys]
        return np.array([float(row[column]) if row else np.nan for row in found])

    def number(value, form):
        return format(value, form) if np.isfinite(value) else "–"

    lines = [
        f"| | RMSE px | flip-averaged | difference, by seed ({', '.join(map(str, seeds))}) |",
        "|:--|--:|--:|:--|",
    ]
    whole = errors(WHOLE, "rmse_px_flip_average")
    for change in CHANGES:
        plain, averaged = errors(change, "rmse_px"), errors(change, "rmse_px_flip_average")
        differences = " ".join(number(each, "+.3f") for each in averaged - whole)
        means = (number(each.mean(), ".3f") for each in (plain, averaged))
        lines.append(
            f"| {change} | {' | '.join(means)} | {differences if change != WHOLE else ''} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    command_line.run(main)
