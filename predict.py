"""Finds keypoints in picture files, or answers Kaggle's lookup table for the test faces."""

import argparse
import pathlib

import command_line

_EXAMPLES = """examples:
  python predict.py --preset heatmap_m face.jpg                    without any training
  python predict.py runs/specialists face.jpg                      CSV on the terminal
  python predict.py runs/specialists faces/ --out found.json --draw annotated/
  python predict.py runs/specialists party.jpg --detect --draw annotated/
  python predict.py exports/facial_keypoints face.jpg
  python predict.py runs/specialists --data ~/data/facial-keypoints --submission submission.csv

Coordinates are px of the upright picture; (0, 0) is the centre of its top left pixel.
Exit status: 0; 1 if a picture could not be read, or --detect found no face in any; 2 for a mistake;
130 after Ctrl-C, which keeps what was found until then.
"""
_NETS = "a run folder of train.py, an exported SavedModel, or preset:NAME"


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("net", nargs="?", metavar="NET", help=f"{_NETS}; left out with --preset")
    add("pictures", nargs="*", metavar="PICTURE", help="files, or folders of them: face crops")
    add("--preset", metavar="NAME", help="a net that comes with the project")
    add("--flip-average", action="store_true", help="average over each face and its mirror image")
    add("--detect", action="store_true", help="pictures are whole photographs: find the faces")
    add("--min-confidence", type=command_line.share, help="for --detect (default: 0.95)")
    add("--out", type=pathlib.Path, metavar="FILE", help="write to this .json or .csv file")
    add("--draw", type=pathlib.Path, metavar="FOLDER", help="draw on PNG copies, print nothing")
    add("--submission", type=pathlib.Path, metavar="FILE", help="write a Kaggle submission")
    data_help = "for --submission: folder or zip with Kaggle's test and IdLookupTable tables\n"
    add("--data", help=f"{data_help}(default: the built-in drawn test faces)")
    command_line.add_labels_of_argument(parser)
    arguments = parser.parse_intermixed_args(argv)
    if arguments.preset:  # then all that is named are pictures
        arguments.pictures = [arguments.net] * bool(arguments.net) + arguments.pictures
        arguments.net = f"preset:{arguments.preset}"
    check_usage(parser, arguments)
    return arguments


def check_usage(parser, arguments):
    if not arguments.net or not (arguments.pictures or arguments.submission):
        parser.error(
            f"Name a net ({_NETS}), then pictures; or a net and --submission FILE. "
            f"Received: {arguments.net or 'neither'}."
        )
    for_pictures = arguments.pictures or arguments.detect or arguments.out or arguments.draw
    if arguments.submission and for_pictures:
        parser.error("--submission is about the test faces: no pictures, --detect, --out, --draw.")
    if arguments.data and not arguments.submission:
        parser.error("--data is for --submission; leave it out, or add --submission FILE.")
    if arguments.min_confidence is not None and not arguments.detect:
        parser.error("--min-confidence is for --detect; leave it out, or add --detect.")
    if arguments.out and arguments.out.suffix.lower() not in (".json", ".csv"):
        parser.error(f"--out must end with .json or .csv. Received: {arguments.out}.")


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    return submit(arguments) if arguments.submission else predict_pictures(arguments)


def submit(arguments):
    import data_pipeline
    from evaluation import submission
    from trained_nets.loading import load_net
    from trained_nets.predictions import four_point_predictions

    images, image_ids = data_pipeline.load_test(arguments.data)
    lookup = data_pipeline.load_lookup(arguments.data, image_ids)
    net = load_net(arguments.net, arguments.flip_average, arguments.labels_of)
    four_points = four_point_predictions(net, images, arguments.flip_average)
    answers = submission.Answers(image_ids, net.predict(images), net.names, four_points)
    submission.write_submission(arguments.submission, lookup, answers)


def predict_pictures(arguments):
    import pictures
    from trained_nets.loading import load_net

    outputs = pictures.Outputs(arguments.out, arguments.draw)
    outputs.require_writable()
    paths = pictures.find_pictures(arguments.pictures)
    detector = pictures.FaceDetector(arguments.min_confidence) if arguments.detect else None
    net = load_net(arguments.net, arguments.flip_average, arguments.labels_of)
    return pictures.write_keypoints(paths, net, detector, outputs)


if __name__ == "__main__":
    command_line.run(main)
