"""Judges trained nets: tables on the terminal and in files, and a report with every figure."""

import argparse
import pathlib

import command_line

_EXAMPLES = """examples:
  python evaluate.py runs/net5                                     on the built-in drawn faces
  python evaluate.py runs/net2 runs/net7 --data ~/data/facial-keypoints
  python evaluate.py runs/net7 runs/specialists --data … --report report
  python evaluate.py preset:heatmap_s preset:heatmap_m --data … --rows all --flip-average
  python evaluate.py runs/* --data … --markdown nets.md --csv nets.csv
  python evaluate.py exports/facial_keypoints --data … --rows all  an exported model
"""


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "nets",
        nargs="+",
        metavar="NET",
        help="run folders of train.py, presets (preset:NAME), or exported SavedModels",
    )
    parser.add_argument(
        "--data",
        help="folder with Kaggle's training.csv, .csv.gz or .zip, or the competition's zip\n"
        "(default: the built-in drawn faces)",
    )
    parser.add_argument(
        "--rows",
        choices=("validation", "all"),
        default="validation",
        help="which faces count: those that each run held out, or every one, also those that a\n"
        "net trained on (default: validation)",
    )
    parser.add_argument(
        "--flip-average",
        action="store_true",
        help="each net predicts each face and its mirror image, and the mean counts",
    )
    parser.add_argument(
        "--threshold",
        type=float,
        help="NME above which a face counts as a failure (default: 0.1)",
    )
    parser.add_argument(
        "--report",
        type=pathlib.Path,
        metavar="FOLDER",
        help="write index.html with all tables and figures, and figures/*.png and *.svg",
    )
    parser.add_argument("--csv", type=pathlib.Path, help="write a row a net to this file")
    parser.add_argument("--json", type=pathlib.Path, help="write all numbers to this file")
    parser.add_argument("--markdown", type=pathlib.Path, help="write the tables to this file")
    arguments = parser.parse_args(argv)
    if arguments.threshold is not None and not 0 < arguments.threshold <= 1:
        parser.error(f"--threshold must be above 0, at most 1. Received: {arguments.threshold}.")
    return arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    import data_pipeline
    import evaluation
    from trained_nets import predictions

    if arguments.threshold is None:
        arguments.threshold = evaluation.FAILURE_THRESHOLD
    require_writable(arguments)
    data = data_pipeline.load_faces(arguments.data)
    nets = predictions.load_nets(arguments.nets, data, arguments.rows, arguments.flip_average)
    judgements = [
        evaluation.judge(net.predictions, data.keypoints, data.groups, arguments.threshold)
        for net in nets
    ]
    comparisons = compare_neighbours(judgements, data.groups)
    tables = make_tables(judgements, comparisons, arguments.threshold)
    facts = describe(arguments, data)
    show(tables, facts)
    write_files(arguments, judgements, comparisons, tables, facts)
    if arguments.report:
        write_report(arguments, data, nets, judgements, tables, facts)


def require_writable(arguments):
    """Tries every place that results go to, before the work."""
    import atomic_write

    for file in (arguments.csv, arguments.json, arguments.markdown):
        if file:
            atomic_write.require_writable(file)
    if arguments.report:
        atomic_write.require_writable(arguments.report / "index.html")
        atomic_write.require_writable(arguments.report / "figures" / "flip.png")


def compare_neighbours(judgements, groups):
    """Each net beside the one before it."""
    import itertools

    import evaluation

    pairs = itertools.pairwise(judgement.net for judgement in judgements)
    comparisons = (evaluation.compare(first, second, groups) for first, second in pairs)
    return [comparison for comparison in comparisons if comparison]


def make_tables(judgements, comparisons, threshold):
    import evaluation

    tables = [evaluation.summary_table(judgements), evaluation.error_table(judgements, threshold)]
    if comparisons:
        tables.append(evaluation.comparison_table(comparisons))
    return [*tables, evaluation.specialist_table(judgements), evaluation.keypoint_table(judgements)]


def describe(arguments, data):
    """What was judged, in a line or two."""
    rows = "faces held out by each run's split" if arguments.rows == "validation" else "all faces"
    unit = "persons" if data.grouped_by == "person" else "pictures"
    answers = "; answers averaged with those for mirror images" * arguments.flip_average
    faces = command_line.counted(len(data), "face")
    return [f"{data.description}: {faces}; judged by {rows}; resampled by {unit}{answers}."]


def show(tables, facts):
    import rich.console

    console = rich.console.Console()
    wide = rich.console.Console(width=1000)
    console.print(*facts, highlight=False)
    for table in tables:
        shown = table.to_rich()
        console.print()
        # A line that the terminal breaks reads better than numbers cut short to fit.
        fitting = rich.console.Console(width=max(console.width, wide.measure(shown).maximum))
        fitting.print(shown, highlight=False)
        if table.note:
            console.print(table.note, style="dim", highlight=False)


def write_files(arguments, judgements, comparisons, tables, facts):
    import atomic_write
    from evaluation import records

    if arguments.csv:
        atomic_write.write_text(arguments.csv, records.to_csv(judgements))
    if arguments.json:
        text = records.to_json(judgements, comparisons, facts[0], arguments.rows)
        atomic_write.write_text(arguments.json, text)
    if arguments.markdown:
        parts = [f"{fact}\n" for fact in facts] + [table.to_markdown() for table in tables]
        atomic_write.write_text(arguments.markdown, "\n".join(parts))


def write_report(arguments, data, nets, judgements, tables, facts):
    import evaluation

    shown_faces, note = faces_to_show(arguments, data, judgements)
    report_nets = [
        evaluation.ReportNet(
            judgement=judgement,
            histories=net.histories,
            first_layers=first_layers(net.net),
            test_predicted=net.net.predict_all(shown_faces),
        )
        for net, judgement in zip(nets, judgements, strict=True)
    ]
    figures = evaluation.report_figures(
        report_nets, data.images, data.keypoints, shown_faces, arguments.threshold
    )
    title = "Facial keypoints: " + ", ".join(judgement.name for judgement in judgements)
    page = evaluation.write_report(arguments.report, title, [*facts, note], tables, figures)
    print(f"\nReport: {page}")


def first_layers(predictor):
    """Weights to draw; an exported model has none to look at."""
    import evaluation

    return evaluation.first_layers(predictor.model) if predictor.model else {}


def faces_to_show(arguments, data, judgements):
    """Sixteen test faces; of those that the first net is judged by, if there is no test table."""
    import numpy as np

    import data_pipeline
    from errors import UserError

    try:
        images, _ = data_pipeline.load_test(arguments.data)
        images = images[:16]
        shown = command_line.counted(len(images), "test face")
        return images, f"The 4 × 4 pictures show the first {shown}."
    except UserError as error:
        first = judgements[0]
        counts = np.isfinite(first.net.held_out).any((1, 2))
        note = f"The 4 × 4 pictures show faces that {first.name} is judged by: {error}"
        return data.images[counts][:16], note


if __name__ == "__main__":
    command_line.run(main)
