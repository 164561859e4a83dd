"""What a person may type behind `train.py`."""

import argparse
import pathlib

import command_line

ARCHITECTURE = "net7"  # of specialists
# On the built-in faces a first run is to be over within minutes and still worth a look: few images
# for each net, and specialists of a kind that learns from so few. The tutorial's nets need
# thousands of steps before they do better than the mean face.
BUILT_IN_BUDGET = 24_000  # images
BUILT_IN_SPECIALISTS_BUDGET = 16_000  # images for each of the six
BUILT_IN_ARCHITECTURE = "heatmap_s"

DESCRIPTION = "Trains facial-keypoint models: any net of the zoo, or the six specialists."
_EXAMPLES = """examples:
  python train.py --list                         the zoo
  python train.py --model net5                   on the built-in drawn faces
  python train.py --model net7 --data ~/data/facial-keypoints --epochs 600
  python train.py --model specialists --data ~/data/facial-keypoints --init-from runs/net7
  python train.py --model heatmap_m --data ~/data/facial-keypoints --init-from preset:heatmap_m
  python train.py --model heatmap_s --data ~/data/facial-keypoints --folds 5   an ensemble
  python train.py --model heatmap_s --data ~/data/facial-keypoints --distill-from runs/heatmap_l
  python train.py --model heatmap_m --data ~/data/facial-keypoints --source-aware
  python train.py --model net7 --data ~/data/facial-keypoints --resume    after a kill
"""


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--model", help="a net of the zoo, or 'specialists'")
    parser.add_argument("--list", action="store_true", help="show the zoo and stop")
    parser.add_argument(
        "--data",
        help="folder with Kaggle's training.csv, .csv.gz or .zip, or the competition's zip\n"
        "(default: the built-in drawn faces)",
    )
    parser.add_argument(
        "--epochs", type=int, help="of each net (default: the recipe's, or as --budget gives)"
    )
    parser.add_argument(
        "--budget",
        type=int,
        help="images for each net: epochs = budget / rows, also those to validate. Default for\n"
        "specialists: 10 million, after a warm start 4; for those of heatmap nets 400,000 and\n"
        f"80,000. On the built-in faces {BUILT_IN_BUDGET:,}, each specialist "
        f"{BUILT_IN_SPECIALISTS_BUDGET:,}",
    )
    parser.add_argument(
        "--architecture",
        metavar="NET",
        help=f"what each specialist is built like (default: the net of --init-from, else "
        f"{ARCHITECTURE};\non the built-in faces {BUILT_IN_ARCHITECTURE})",
    )
    parser.add_argument(
        "--recipe", metavar="NAME", help="another recipe of the net, such as 'quick'"
    )
    parser.add_argument(
        "--augment", choices=("none", "flip", "full"), help="instead of the recipe's augmentation"
    )
    parser.add_argument(
        "--rows",
        choices=("complete", "labelled"),
        help="train on faces with all labels, or on those with any, whatever the recipe says",
    )
    parser.add_argument(
        "--source-aware",
        action="store_true",
        help="learn from faces with four keypoints or fewer without placing keypoints as they do:\n"
        "in Kaggle's data they come from another labeller",
    )
    parser.add_argument(
        "--init-from",
        metavar="RUN",
        help="warm start: a run folder with a net of this layout, or preset:NAME",
    )
    parser.add_argument(
        "--distill-from",
        metavar="RUN",
        help="a run folder or preset:NAME whose answers teach: they fill in missing labels, and\n"
        "labels move half-way to them",
    )
    parser.add_argument(
        "--hold-out",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of the faces to validate on (default: 0.2); 0 trains on all of them",
    )
    parser.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="train an ensemble: a net for each K-th of the training faces, without these",
    )
    parser.add_argument("--seed", type=int, default=1, help="decides everything (default: 1)")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    parser.add_argument("--name", help="name of the run folder (default: the model's)")
    parser.add_argument(
        "--runs", type=pathlib.Path, default="runs", help="where run folders go (default: runs)"
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--resume", action="store_true", help="go on with the run there")
    existing.add_argument("--overwrite", action="store_true", help="replace the run there")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard logs")
    arguments = parser.parse_args(argv)
    for option in ("epochs", "budget"):
        value = getattr(arguments, option)
        if value is not None and value < 1:
            parser.error(f"--{option} must be at least 1. Received: {value}.")
    if not 0 <= arguments.hold_out < 1:
        parser.error(f"--hold-out must be from 0 to below 1. Received: {arguments.hold_out}.")
    if arguments.folds is not None and arguments.folds < 2:
        parser.error(f"--folds must be at least 2. Received: {arguments.folds}.")
    if arguments.folds and arguments.model == "specialists":
        parser.error("--folds is for a single net of the zoo.")
    if arguments.folds and arguments.distill_from:
        parser.error("--distill-from has seen the faces that --folds leaves out; give one of them.")
    if arguments.epochs and arguments.budget:
        parser.error("--epochs and --budget say the same twice; give one.")
    if not 0 <= arguments.seed < 2**31:
        parser.error(f"--seed must be from 0 to 2³¹ − 1. Received: {arguments.seed}.")
    if not arguments.model and not arguments.list:
        parser.error("--model is needed; --list shows which there are.")
    if arguments.architecture and arguments.model != "specialists":
        parser.error("--architecture is for --model specialists.")
    if arguments.rows and arguments.model == "specialists":
        parser.error(
            "--rows is for single nets; a specialist takes all rows that carry its labels."
        )
    return arguments
