"""Writes a trained run as a SavedModel for TensorFlow Serving, or as ONNX or LiteRT files."""

import argparse
import os
import pathlib

import command_line

EXAMPLES = """examples:
  python export.py runs/specialists --out exports/facial_keypoints
  python export.py --preset heatmap_m --out exports/heatmap_m
  python export.py runs/specialists --flip-average        # up to twice the work
  python export.py runs/net7 --out exports/net7 --version 12
  python export.py runs/specialists --format litert --data ~/data/facial-keypoints

look at the result:
  saved_model_cli show --dir exports/facial_keypoints/1 --all
"""


def main(argv=None):
    arguments = parse_arguments(argv)
    # An export made on another backend holds operations that TensorFlow Serving refuses.
    os.environ["KERAS_BACKEND"] = "tensorflow"
    command_line.start_quietly()
    from trained_nets.loading import load_keras_net

    net = load_keras_net(arguments.run)
    if arguments.format == "saved_model":
        publish_saved_model(net, arguments)
    else:
        write_other_format(net, arguments)


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run", nargs="?", help="run folder that train.py wrote; left out with --preset"
    )
    parser.add_argument("--preset", metavar="NAME", help="a net that comes with the project")
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        default=pathlib.Path("exports/facial_keypoints"),
        help="the model's folder; a SavedModel goes into <out>/<version>/ (default: %(default)s)",
    )
    parser.add_argument(
        "--format", choices=("saved_model", "onnx", "litert"), default="saved_model"
    )
    parser.add_argument(
        "--flip-average",
        action="store_true",
        help="predict each face and its mirror image, and average; what it gains hangs on the "
        "net, so compare both exports with evaluate.py",
    )
    parser.add_argument(
        "--version", type=_version, help="version number of a SavedModel (default: the next one)"
    )
    parser.add_argument(
        "--data",
        type=pathlib.Path,
        help="faces on which onnx and litert are compared with the SavedModel, and which calibrate "
        "int8 (default: the built-in drawn faces)",
    )
    arguments = parser.parse_args(argv)
    if bool(arguments.run) == bool(arguments.preset):
        parser.error("name a run folder, or give --preset NAME; one of the two")
    if arguments.preset:
        arguments.run = f"preset:{arguments.preset}"
    if arguments.format != "saved_model" and arguments.version is not None:
        parser.error("--version numbers SavedModels; leave it out with --format onnx or litert")
    if arguments.format == "saved_model" and arguments.data is not None:
        parser.error("--data is for --format onnx or litert; leave it out")
    return arguments


def publish_saved_model(net, arguments):
    from exporting import export_saved_model

    published = export_saved_model(
        net, arguments.out, version=arguments.version, flip_average=arguments.flip_average
    )
    print(
        f"{published.folder}: {command_line.counted(len(net.names), 'keypoint')}, 4 signatures, "
        f"at most {published.difference:.1e} px from the Keras model"
    )
    if published.warm_up_records is None:
        print(
            "Left out the warm-up records, which need TensorFlow Serving's protos: "
            "pip install -e '.[serving]'"
        )
    else:
        print(f"{published.warm_up_records} warm-up records, replayed")
    print(f"Look at it: saved_model_cli show --dir {published.folder} --all")


def write_other_format(net, arguments):
    import data_pipeline
    from exporting import export_other_format

    faces = data_pipeline.load_faces(arguments.data)
    rows = export_other_format(
        net, arguments.out, arguments.format, faces, flip_average=arguments.flip_average
    )
    print(f"{'':20}{'MB':>8}{'RMSE to SavedModel':>22}{'RMSE to labels':>18}{'ms a face':>12}")
    for row in rows:
        print(
            f"{row.name:20}{row.megabytes:8.1f}{row.rmse_to_saved_model:19.4f} px"
            f"{row.rmse_to_labels:15.2f} px{row.milliseconds:12.2f}"
        )


def _version(text):
    try:
        version = int(text)
    except ValueError:
        version = 0
    if version < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer. Received: {text}")
    return version


if __name__ == "__main__":
    command_line.run(main)
