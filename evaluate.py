"""Judges trained nets: tables on the terminal, and a report with every table and figure."""

import argparse

import command_line
import tensorflow_start
from trained_nets import places

_EXAMPLES = """examples:
  python evaluate.py runs/net5                                     on the built-in drawn faces
  python evaluate.py runs/net2 runs/net7 --data ~/data/facial-keypoints
  python evaluate.py runs/net7 runs/specialists --data … --report report
  python evaluate.py preset:heatmap_s preset:heatmap_m --data … --rows all --flip-average
  python evaluate.py runs/* --data … --json results.json
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
    command_line.add_data_argument(parser)
    command_line.add_labels_of_argument(parser)
    parser.add_argument(
        "--rows",
        choices=("validation", "all"),
        default="validation",
        help="which faces count: those that each run held out, or all of them, including those\n"
        "that a net trained on (default: validation)",
    )
    command_line.add_flip_average_arguments(parser)
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.1,  # a tenth of the distance between the eyes, as in the 300-W challenge
        help="NME above which a face counts as a failure (default: %(default)s)",
    )
    parser.add_argument(
        "--report",
        type=command_line.path,
        metavar="FOLDER",
        help="write index.html, figures/*.png and *.svg, tables.md, nets.csv and results.json",
    )
    parser.add_argument(
        "--json", type=command_line.path, metavar="FILE", help="write all numbers to this file"
    )
    arguments = parser.parse_args(argv)
    if not 0 < arguments.threshold <= 1:
        parser.error(f"--threshold must be above 0, at most 1. Received: {arguments.threshold}.")
    return arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    from data_pipeline.locating import require_faces  # not for --help, since it imports NumPy

    for net in arguments.nets:
        places.require_net(net)
    require_faces(arguments.data)
    tensorflow_start.start_quietly()
    import data_pipeline
    from evaluation import judging
    from trained_nets import predictions

    request = judging.Request(
        arguments.rows,
        arguments.flip_average,
        arguments.threshold,
        arguments.report,
        arguments.json,
    )
    request.require_writable()
    data = data_pipeline.load_faces(arguments.data).with_labels_in_memory()
    nets = predictions.load_nets(
        arguments.nets, data, arguments.rows, arguments.flip_average, arguments.labels_of
    )
    judging.judge_and_report(
        nets, data, lambda: data_pipeline.load_test(arguments.data)[0], request
    )


if __name__ == "__main__":
    command_line.run(main)
