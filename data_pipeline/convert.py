"""Writes a data set as shards, from which training reads faces as it needs them.

Training from shards gives the same nets as from the table, bit for bit, without holding all
pictures in memory. --data takes the folder as it takes Kaggle's download.
"""

import argparse

import numpy as np

import command_line
import tensorflow_start

FACES = 10_000  # at a time

PROGRAM = "python -m data_pipeline.convert"
_EXAMPLES = """example:
  python -m data_pipeline.convert --data ~/data/facial-keypoints --out shards/kaggle
  python train.py --model heatmap_m --data shards/kaggle

More faces than fit into memory come from your own arrays, piece by piece; docs/scaling.md
shows how.
"""


def parse_arguments(argv=None):
    parser = command_line.Parser(
        prog=PROGRAM,
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    command_line.add_data_argument(parser)
    parser.add_argument(
        "--out", type=command_line.path, required=True, help="a folder that does not exist yet"
    )
    parser.add_argument(
        "--labeller",
        type=command_line.not_empty,
        metavar="NAME",
        help="who placed the labels (default: the name of the data's folder)",
    )
    return parser.parse_args(argv)


def main(argv=None):
    arguments = parse_arguments(argv)
    tensorflow_start.start_quietly()
    import data_pipeline

    data = data_pipeline.load_faces(arguments.data)
    writer = data_pipeline.ShardWriter(
        arguments.out,
        arguments.labeller or data.labellers[0],
        data.description,
        data.grouped_by,
    )
    with writer:
        for first in range(0, len(data), FACES):  # those of shards need not fit into memory
            some = slice(first, first + FACES)
            writer.add(np.asarray(data.images[some]), data.keypoints[some], data.groups[some])
    print(f"Wrote {len(data):,} faces to {arguments.out}.")


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
