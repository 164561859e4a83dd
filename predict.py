"""Finds keypoints in picture files, or answers Kaggle's lookup table for the test faces."""

import argparse

import command_line
import interrupts
import tensorflow_start
from trained_nets import places

_EXAMPLES = """examples:
  python predict.py --preset heatmap_m face.jpg                    without any training
  python predict.py runs/specialists face.jpg                      CSV on the terminal
  python predict.py runs/specialists photos/ --detect --out found.json --draw annotated/
  python predict.py --preset heatmap_m @photos.txt --detect --jobs 8 --out found.parquet
  python predict.py --preset heatmap_s clip.mp4 --detect --draw drawn.mp4
  python predict.py runs/specialists --data ~/data/facial-keypoints --submission submission.csv

Keypoints are px of the upright picture; (0, 0) is the centre of its top left pixel.
Exit status: 0 if all went well; 1 if a picture, or much of a video, could not be read, --detect
found no face in any, or processes kept being killed; 2 for a mistake; 130 after Ctrl-C or SIGTERM.
"""
_NETS = "a run folder of train.py, an exported SavedModel, or preset:NAME"


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawTextHelpFormatter
    )
    add, path, text = parser.add_argument, command_line.path, command_line.not_empty
    add("net", nargs="?", metavar="NET", help=f"{_NETS}; left out with --preset")
    pictures_help = "face crops, folders of them, globs, or a video;\n@FILE for the files that a "
    add("pictures", nargs="*", metavar="PICTURE", help=f"{pictures_help}list names, @- for stdin")
    add("--preset", type=text, metavar="NAME", help="a net that comes with the project")
    command_line.add_flip_average_arguments(parser)
    add("--detect", action="store_true", help="pictures are whole photographs: find the faces")
    add("--webcam", action="store_true", help="show the webcam's picture with what is found")
    add("--min-confidence", type=command_line.share, help="for --detect (default: 0.9)")
    add("--out", type=path, metavar="FILE", help="a .json or .csv file, or .parquet folder")
    add("--resume", action="store_true", help="complete the .parquet folder of an earlier command")
    add("--jobs", type=command_line.at_least(1), metavar="N", help="use N processes (default: 1)")
    command_line.add_cluster_argument(parser, "use a Ray cluster's cores: HOST:PORT, or 'auto'")
    add("--draw", type=path, metavar="FOLDER", help="draw on copies there, print nothing")
    add("--submission", type=path, metavar="FILE", help="write a Kaggle submission")
    add("--data", type=text, action=command_line.Once, help="for --submission: Kaggle's files")
    command_line.add_labels_of_argument(parser)
    add("--uncertainty", action="store_true", help="tell how uncertain each keypoint is, px")
    arguments = parser.parse_intermixed_args(argv)
    if arguments.preset:  # then all that is named are pictures
        arguments.pictures = [arguments.net] * bool(arguments.net) + arguments.pictures
        arguments.net = f"preset:{arguments.preset}"
    check_usage(parser, arguments)
    return arguments


def check_usage(parser, arguments):
    if not arguments.net or not (arguments.pictures or arguments.submission or arguments.webcam):
        rule = f"Name a net ({_NETS}), then pictures; or a net and --submission FILE."
        parser.error(f"{rule} Received: {arguments.net or 'neither'}.")
    others = ("pictures", "out", "draw", "resume", "jobs", "cluster")
    no, has_others = f"no {', --'.join(others)}", any(vars(arguments)[name] for name in others)
    if arguments.submission and (has_others or arguments.detect or arguments.uncertainty):
        parser.error(f"--submission is about the test faces: {no}, --detect, --uncertainty.")
    if arguments.webcam and (has_others or arguments.submission):
        parser.error(f"--webcam shows what it finds: {no}, --submission.")
    arguments.detect |= arguments.webcam
    for option, needed in (("data", "submission"), ("min-confidence", "detect")):
        if vars(arguments)[option.replace("-", "_")] is not None and not vars(arguments)[needed]:
            parser.error(f"--{option} is for --{needed}; leave it out, or add --{needed}.")


def main(argv=None):
    arguments = parse_arguments(argv)
    interrupts.take()
    places.require_net(arguments.net)
    if not arguments.submission:
        return predict_pictures(arguments)
    tensorflow_start.start_quietly()
    from trained_nets.submitting import submit

    which = arguments.net, arguments.data, arguments.submission
    return submit(*which, arguments.flip_average, arguments.labels_of)


def predict_pictures(arguments):
    import pictures
    from trained_nets.finder_loading import FinderLoading

    outputs = pictures.Outputs(arguments.out, arguments.draw, arguments.resume)
    outputs.require_writable()
    paths = pictures.find_pictures(arguments.pictures)
    how = arguments.flip_average, arguments.labels_of, arguments.detect, arguments.min_confidence
    load = FinderLoading(arguments.net, *how, arguments.uncertainty)
    if arguments.webcam:
        return pictures.show_webcam(load())
    return pictures.write_keypoints(paths, load, outputs, arguments.jobs, arguments.cluster)


if __name__ == "__main__":
    command_line.run(main)
