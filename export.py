"""Writes a trained run as a SavedModel for TensorFlow Serving, or for ONNX, LiteRT or OpenVINO."""

import os
import pathlib

import command_line
import tensorflow_start
from trained_nets import places

EXAMPLES = """examples:
  python export.py runs/specialists --out exports/facial_keypoints
  python export.py --preset heatmap_m --out exports/heatmap_m
  python export.py runs/specialists --flip-average        # up to twice the work
  python export.py --preset heatmap_m --photo             # answers whole photographs, too
  python export.py runs/net7 --out exports/net7 --version 12
  python export.py runs/specialists --format litert --data ~/data/facial-keypoints
  python export.py --preset heatmap_m --format openvino --out exports/openvino

look at the result:
  saved_model_cli show --dir exports/facial_keypoints/1 --all
"""


def main(argv=None):
    arguments = parse_arguments(argv)
    places.require_keras_net(arguments.run)
    # An export made on another backend contains operations that TensorFlow Serving rejects.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    tensorflow_start.start_quietly()
    from exporting import command  # after the quiet start, because it imports TensorFlow

    command.run(arguments)


def parse_arguments(argv=None):
    parser = command_line.Parser(description=__doc__, epilog=EXAMPLES)
    parser.add_argument("run", nargs="?", help="run folder of train.py; leave it out with --preset")
    parser.add_argument(
        "--preset",
        type=command_line.not_empty,
        metavar="NAME",
        help="a net that comes with the project",
    )
    parser.add_argument(
        "--out",
        type=command_line.path,
        default=pathlib.Path("exports/facial_keypoints"),
        help="the model's folder; a SavedModel or OpenVINO's files go into <out>/<version>/ "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--format", choices=("saved_model", "onnx", "litert", "openvino"), default="saved_model"
    )
    command_line.add_flip_average_arguments(parser)
    parser.add_argument(
        "--photo",
        action="store_true",
        help="add the signature serve_photo, which finds the faces of whole photographs first "
        "(needs the extra detect)",
    )
    parser.add_argument(
        "--version",
        type=command_line.at_least(1, command_line.MAX_VERSION),
        help="version number of a SavedModel or of OpenVINO's files (default: the next one)",
    )
    command_line.add_labels_of_argument(parser)
    parser.add_argument(
        "--data",
        type=command_line.path,
        help="faces to compare another format with the SavedModel on, and to calibrate litert's "
        "int8 with (default: the built-in drawn faces)",
    )
    arguments = parser.parse_args(argv)
    if bool(arguments.run) == bool(arguments.preset):
        parser.error("give either a run folder or --preset NAME")
    if arguments.preset:
        arguments.run = f"preset:{arguments.preset}"
    if arguments.format in ("onnx", "litert") and arguments.version is not None:
        parser.error(f"--version is not for --format {arguments.format}; leave it out")
    if arguments.format != "saved_model" and arguments.photo:
        parser.error(f"--photo is for SavedModels; leave it out with --format {arguments.format}")
    if arguments.format == "saved_model" and arguments.data is not None:
        parser.error("--data is for the other formats; leave it out, or add a --format")
    return arguments


if __name__ == "__main__":
    command_line.run(main)
