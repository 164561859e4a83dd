"""Makes a preset from a run of `train.py`: float16 weights, and a card with what they can do.

    python benchmarks/make_preset.py runs/heatmap_m --name heatmap_m --data ~/data/faces

Accuracy is measured on the faces that the run held out, in float32 arithmetic, with the run's
weights and with the rounded ones, for plain answers and for the mean over a face and its mirror
image. A run that was trained on every face (`--hold-out 0`) has none to measure on: `--twin` names
a run of the same recipe that held some out, and is measured in its stead. Intervals are 95 %, from
resampling persons (pictures, where it is not known who is in them).
What the card says of the data's source, licence and use comes from `preset_notes.json`, which is
about one data set: write another for other data and name it with `--notes`.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import command_line  # noqa: E402
from errors import UserError  # noqa: E402

NOTES = pathlib.Path(__file__).with_name("preset_notes.json")
NOTES_ENTRIES = ("fingerprint", "source", "licence", "intended_use", "limits")


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    import data_pipeline
    from trained_nets import held_out, preset_store, run_folder
    from trained_nets.preset_store import rounded_twin, to_float16

    net = run_folder.load_net(arguments.run)
    measured = run_folder.load_net(arguments.twin) if arguments.twin else net
    data = data_pipeline.load_faces(arguments.data)
    notes = read_notes(arguments.notes, data)
    check_twin(net.config, measured.config, data)
    source = arguments.twin or arguments.run
    rows = data.rows(held_out.rows_held_out(measured.config, source, data))
    valid = rows.select(measured.names, complete=False).labelled()
    rounded = rounded_twin(net)
    weights = to_float16(net.model)
    accuracy = measure(measured, rounded_twin(measured), valid)
    if arguments.twin:
        accuracy["measured_on"] = (
            f"{len(valid):,} labelled faces that a net of the same recipe held out, trained on the "
            f"other {measured.config['data']['train_rows']:,}; this one is trained on all"
        )
    card = make_card(arguments.name, rounded, weights, data, notes, accuracy)
    folder = preset_store.write_preset(arguments.name, weights, card)
    report(folder, accuracy)


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", help="run folder of one net of the zoo")
    parser.add_argument("--name", required=True, help="the preset's; replaces an earlier one")
    parser.add_argument(
        "--twin", metavar="RUN", help="of the same recipe with held-out faces, to be measured"
    )
    parser.add_argument("--data", help="what the run was trained on (default: the drawn faces)")
    parser.add_argument(
        "--notes",
        type=pathlib.Path,
        default=NOTES,
        help="JSON about the data (default: %(default)s)",
    )
    return parser.parse_args(argv)


def read_notes(path, data):
    """What a person has written about the data; about these data, by their fingerprint."""
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"The notes {path} cannot be read: {error}") from error
    if not isinstance(notes, dict) or any(entry not in notes for entry in NOTES_ENTRIES):
        raise UserError(f"The notes {path} need the entries {', '.join(NOTES_ENTRIES)}.")
    if notes["fingerprint"] != data.fingerprint:
        raise UserError(
            f"The notes {path} are about data with the fingerprint {notes['fingerprint']}, these "
            f"({data.description}) have {data.fingerprint}. Write notes about them, and name the "
            "file with --notes."
        )
    return notes


def check_twin(config, measured, data):
    """What is measured must be made as what is shipped, but for the faces held out."""
    trained_on = config["data"]
    if trained_on["fingerprint"] != data.fingerprint:
        raise UserError(
            f"The run was trained on other data ({trained_on['description']}) than these "
            f"({data.description}). Give --data that it was trained on."
        )
    if measured is not config and trained_on.get("hold_out", True):
        raise UserError(
            "--twin is for a run that was trained on every face; this one held some out, and is "
            "measured on them. Leave --twin out."
        )
    if not measured["data"].get("hold_out", True):
        raise UserError(
            "The run was trained on every face, so nothing is left to measure it on. Name a run of "
            "the same recipe that held faces out with --twin."
        )
    for entry in ("model", "recipe", "keypoints"):
        if whole(config)[entry] != whole(measured)[entry]:
            raise UserError(
                f"--twin must be made by the same recipe. It has {entry} {measured[entry]}, the "
                f"run has {config[entry]}."
            )
    for entry in ("init_from", "distill_from"):  # by other runs, which saw as much as each may
        if bool(config.get(entry)) != bool(measured.get(entry)):
            raise UserError(
                f"--twin must be made by the same recipe. It has {entry} {measured.get(entry)}, "
                f"the run has {config.get(entry)}."
            )


def whole(config):
    """The configuration with what recipes did not have yet when it was written."""
    import models

    return config | {"recipe": dataclasses.asdict(models.Recipe(**config["recipe"]))}


def measure(net, rounded, valid):
    """RMSE with intervals, of either precision and either way to ask, and what rounding costs."""
    import numpy as np

    from evaluation import bootstrap, metrics
    from exporting.float32_twin import float32_twin
    from trained_nets.predictor import flip_averaged, from_net

    # A net trained in bfloat16 would compute in it: both are to differ in their weights alone.
    exact = dataclasses.replace(net, model=float32_twin(net.model))
    accuracy = {
        "measured_on": "labelled faces that the run held out; they also chose the epoch whose "
        "weights are kept, which flatters a little",
        "faces": len(valid),
        "labelled_coordinates": int(np.isfinite(valid.keypoints).sum()),
        "resampled_by": valid.grouped_by,
        "groups": len(np.unique(valid.groups)),
        "confidence": bootstrap.CONFIDENCE,
        "rmse_px": {},
    }
    for way in ("plain", "flip_average"):
        predicted = {}
        for precision, each in (("float32", exact), ("float16", rounded)):
            predictor = from_net(precision, each)
            if way == "flip_average":
                predictor = flip_averaged(predictor)
            predicted[precision] = predictor.predict(valid.images)
        ratios = {
            precision: metrics.rmse_px(points, valid.keypoints)
            for precision, points in predicted.items()
        }
        accuracy["rmse_px"][way] = {
            precision: _with_interval(bootstrap.estimate(ratio, valid.groups))
            for precision, ratio in ratios.items()
        } | {
            "float16_minus_float32": _with_interval(
                bootstrap.difference(ratios["float32"], ratios["float16"], valid.groups)
            ),
            "per_keypoint": {
                name: metrics.rmse_px(predicted["float16"][:, [k]], valid.keypoints[:, [k]]).value()
                for k, name in enumerate(valid.names)
                if np.isfinite(valid.keypoints[:, k]).any()
            },
        }
    return accuracy


def _with_interval(estimate):
    ends = {"low": estimate.low, "high": estimate.high}
    return {"value": estimate.value} | {
        end: value if math.isfinite(value) else None for end, value in ends.items()
    }


def make_card(name, net, weights, data, notes, accuracy):
    import models

    return {
        "name": name,
        "net": net.config["model"],
        "description": models.find(net.config["model"]).description,
        "parameters": net.model.count_params(),
        "keypoints": list(net.names),
        "coordinates": "px of the 96×96 face crop; (0, 0) is the centre of the top left pixel; "
        "left and right are the person's own",
        "weights": {"dtype": "float16", "arrays": len(weights)},
        "trained_on": {
            "source": notes["source"],
            "licence": notes["licence"],
            "file": data.description,
            "fingerprint": data.fingerprint,
            "split_seed": net.config["seed"],
            "hold_out": net.config["data"].get("hold_out"),
            "split_by": data.grouped_by,
        },
        "accuracy": accuracy,
        "intended_use": notes["intended_use"],
        "limits": notes["limits"],
        "run": without_paths(net.config, data),
    }


def without_paths(config, data):
    """The run's configuration without where things lay on the machine that trained it."""
    described = {key: value for key, value in config["data"].items() if key != "path"}
    sources = {
        entry: pathlib.PurePath(config[entry]).name
        for entry in ("init_from", "distill_from")
        if config.get(entry)
    }
    return config | {"data": described | {"description": data.description}} | sources


def report(folder, accuracy):
    print(f"{accuracy['faces']:,} held-out faces, {accuracy['labelled_coordinates']:,} coordinates")
    print(f"{'RMSE px':14}{'float32':>26}{'float16':>26}{'difference':>14}")
    for way, row in accuracy["rmse_px"].items():
        cells = [_text(row["float32"]), _text(row["float16"])]
        difference = f"{row['float16_minus_float32']['value']:+.5f}"
        print(f"{way:14}{cells[0]:>26}{cells[1]:>26}{difference:>14}")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder}: {size / 1e6:.2f} MB")


def _text(estimate):
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


if __name__ == "__main__":
    command_line.run(main)
