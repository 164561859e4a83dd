"""Makes a preset from a run of `train.py`: float16 weights, and a card with what they can do.

    python -m benchmarks.make_preset runs/heatmap_m --name heatmap_m --data ~/data/faces

Accuracy is measured on the faces that the run held out, in float32 arithmetic, with the run's
weights and with the rounded ones, plain and flip-averaged. Intervals are 95 %, from resampling
people (pictures, where it is not known who is in them). A run that was trained on every face
(`--hold-out 0`) has none to be measured on: `--reference` then names a run of the same recipe that
held some out, and the card gives the accuracy of that one.
What the card says of the data's source, licence and use comes from `preset_notes.json`: write notes
about other data and name them with `--notes`. A run on several data sets takes all of them.
"""

import pathlib

import command_line
import labelling
import tensorflow_start
from errors import UserError

PROGRAM = "python -m benchmarks.make_preset"
NOTES = pathlib.Path(__file__).with_name("preset_notes.json")


def main(argv=None):
    arguments = parse_arguments(argv)
    tensorflow_start.start_quietly()
    import data_pipeline
    from benchmarks import preset_card
    from exporting.float32_copy import float32_copy
    from trained_nets import preset_store
    from trained_nets.held_out import require_held_out
    from trained_nets.loading import load_keras_net
    from trained_nets.trained_net import from_model

    net = load_keras_net(arguments.run)
    reference = load_keras_net(arguments.reference) if arguments.reference else None
    check_reference(net.config, reference and reference.config)
    measured = reference or net
    sources = [data_pipeline.load_faces(path) for path in arguments.data or [None]]
    check_sources(net, sources)
    notes = preset_card.read_notes(arguments.notes, sources)
    stored = preset_store.as_stored(measured)
    accuracy = {}
    for data in sources:
        held_out = require_held_out(measured, data)
        valid = held_out.select(measured.names, complete=False).labelled()
        (labeller,) = data.labellers
        answering = measured.as_labeller(labeller)
        # A net trained in bfloat16 would compute in it; only the weights are to differ.
        exact = from_model(
            "run", float32_copy(answering.model), measured.names, measured.config, labeller
        )
        accuracy[labeller] = preset_card.measure(exact, stored.as_labeller(labeller), valid)
        if reference:
            accuracy[labeller]["measured_on"] = (
                f"{len(valid):,} labelled faces that a net of the same recipe held out; this one "
                "is trained on all"
            )
    card = preset_card.make_card(arguments.name, net, sources, notes, accuracy)
    folder = preset_store.write_preset(arguments.name, preset_store.to_float16(net.whole), card)
    report(folder, accuracy)


def parse_arguments(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("run", help="run folder of one net of the zoo")
    parser.add_argument("--name", required=True, help="the preset's; replaces an earlier one")
    parser.add_argument(
        "--reference",
        type=command_line.not_empty,
        metavar="RUN",
        help="for a run on every face: one of the same recipe with held-out faces, to be measured",
    )
    command_line.add_data_argument(parser, several=True)
    parser.add_argument(
        "--notes",
        type=command_line.path,
        default=NOTES,
        help="JSON about the data (default: %(default)s)",
    )
    return parser.parse_args(argv)


def check_sources(net, sources):
    """Refuses data that are not all that the run was trained on, or under other names."""
    named = [labeller for data in sources for labeller in data.labellers]
    full = [each for each in net.labellers if labelling.full(each) == each]
    if sorted(named) != sorted(full):
        raise UserError(
            f"The run learned from the labellers {', '.join(full)}, and --data has "
            f"{', '.join(named)}. Name all of its data sets, by folders called as they were then."
        )


def check_reference(config, reference):
    """Refuses a reference run that is missing, needless, or made by another recipe.

    Args:
        config: of the run that becomes a preset.
        reference: the reference run's; None if there is none.
    """
    if (reference or config)["data"].get("seen_before"):
        raise UserError(
            "The net to measure builds on one that had seen the faces that it held out, so its "
            "accuracy would flatter. Train it from a net that held out the same faces."
        )
    if config["data"].get("hold_out", True):
        if reference:
            raise UserError(
                "The run held faces out and is measured on them. Leave --reference out."
            )
        return
    if not reference:
        raise UserError(
            "The run was trained on every face, so none is left to measure it on. Name a run of "
            "the same recipe that held faces out with --reference."
        )
    made, made_reference = recipe_of(config), recipe_of(reference)
    for entry, value in made.items():
        if made_reference[entry] != value:
            raise UserError(
                f"--reference must be made by the same recipe. It has {entry} "
                f"{made_reference[entry]}, the run has {value}."
            )


def recipe_of(config):
    """What a run and its reference run must share.

    The runs that they began or learned from may differ: each saw as much of the data as its net.
    """
    same = {entry: config[entry] for entry in ("model", "recipe", "keypoints", "labellers")}
    same |= {entry: bool(config.get(entry)) for entry in ("init_from", "distill_from")}
    return same | {"fingerprint of data": config["data"]["fingerprint"]}


def report(folder, accuracy):
    for labeller, measured in accuracy.items():
        faces, coordinates = measured["faces"], measured["labelled_coordinates"]
        print(f"{labeller}: {faces:,} held-out faces, {coordinates:,} coordinates")
        print(f"{'RMSE px':14}{'float32':>26}{'float16':>26}{'difference':>14}")
        for way, row in measured["rmse_px"].items():
            difference = row["float16_minus_float32"]["value"]
            cells = [text(row[precision]) for precision in ("float32", "float16")]
            print(f"{way:14}{cells[0]:>26}{cells[1]:>26}{difference:>+14.5f}")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"{folder}: {size / 1e6:.2f} MB")


def text(estimate):
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} [{estimate['low']:.3f}, {estimate['high']:.3f}]"


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
