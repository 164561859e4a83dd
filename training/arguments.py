"""The command-line options of train.py."""

import argparse

import command_line
from models.recipe import MAX_EPOCHS
from trained_nets import places
from training import defaults

_EXAMPLES = """examples:
  python train.py --list                         the zoo
  python train.py --model net5                   on the built-in drawn faces
  python train.py --model net7 --data ~/data/facial-keypoints --epochs 600
  python train.py --model net2 --data ~/data/facial-keypoints --set learning_rate=0.005
  python train.py --model specialists --data ~/data/facial-keypoints --init-from runs/net7
  python train.py --model heatmap_m --data ~/data/facial-keypoints --init-from preset:heatmap_m
  python train.py --model heatmap_s --data ~/data/facial-keypoints --folds 5   an ensemble
  python train.py --model heatmap_s --data ~/data/facial-keypoints --distill-from runs/heatmap_l
  python train.py --model specialists --data ~/data/facial-keypoints --jobs 2   two at a time
  KERAS_BACKEND=jax python train.py --model heatmap_l --data ~/data/facial-keypoints --devices all
  python train.py --model net7 --data ~/data/facial-keypoints --resume    after a kill
"""


def parse_arguments(argv=None):
    """Parses the command line; `set` becomes a dict of strings by name."""
    parser = command_line.Parser(
        description="Trains facial-keypoint models: any net of the zoo, or the six specialists.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    _add_what(parser)
    _add_how(parser)
    _add_where(parser)
    arguments = parser.parse_args(argv)
    _check(parser, arguments)
    return arguments


def _add_what(parser):
    parser.add_argument("--model", help="a net of the zoo, or 'specialists'")
    parser.add_argument("--list", action="store_true", help="show the zoo and stop")
    command_line.add_data_argument(parser, several=True)
    parser.add_argument(
        "--architecture",
        type=command_line.not_empty,
        metavar="NET",
        help="the net to build each specialist as (default: the net of --init-from, else "
        f"{defaults.ARCHITECTURE};\non the built-in faces {defaults.BUILT_IN_ARCHITECTURE})",
    )
    parser.add_argument(
        "--init-from",
        type=command_line.not_empty,
        metavar="RUN",
        help="warm start: a run folder with a net of the same layout, or preset:NAME",
    )
    parser.add_argument(
        "--distill-from",
        type=command_line.not_empty,
        metavar="RUN",
        help="a run folder or preset:NAME to learn from: its predictions fill in missing labels,\n"
        "and labels move halfway towards them",
    )


def _add_how(parser):
    parser.add_argument(
        "--epochs",
        type=command_line.at_least(1, MAX_EPOCHS),
        help="epochs for each net (default: the recipe's, or from --budget)",
    )
    parser.add_argument(
        "--budget",
        type=command_line.at_least(1),
        help="images for each net: epochs = budget / rows, including validation rows (default for\n"
        f"specialists: see --list; on the built-in faces {defaults.BUILT_IN_BUDGET:,}, each "
        f"specialist {defaults.BUILT_IN_SPECIALISTS_BUDGET:,})",
    )
    parser.add_argument(
        "--recipe",
        type=command_line.not_empty,
        metavar="NAME",
        help="another recipe of the net, such as 'quick'",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        help="change a setting of the recipe or of the net; may be repeated. NAME may be\n"
        "SPECIALIST.NAME, for one specialist. For example: learning_rate=0.005, rows=labelled,\n"
        "augmentation=full, dropout=0.1,0.2,0.3,0.5, nose_tip.patience=100",
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
        type=command_line.at_least(2),
        metavar="K",
        help="train an ensemble of K nets, each leaving out a different K-th of the training faces",
    )
    parser.add_argument(
        "--seed",
        type=command_line.at_least(0),
        default=1,
        help="decides the split, initial weights, order and augmentation (default: 1)",
    )
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    several = parser.add_mutually_exclusive_group()
    several.add_argument(
        "--jobs",
        type=command_line.at_least(1),
        metavar="N",
        help="of specialists or folds, train N at a time, each in a process with its share of the\n"
        "cores (default: 1; for a first look without --data, one for each core)",
    )
    several.add_argument(
        "--devices",
        type=_devices,
        default=1,
        metavar="N",
        help="train each net on N devices of this machine together, or on 'all'; more than one "
        "needs\nKERAS_BACKEND=jax (default: 1)",
    )
    command_line.add_cluster_argument(
        parser,
        "train specialists or folds, or with --machines any net, on a Ray cluster: HOST:PORT, or\n"
        "'auto' for the one that runs on this machine; --runs must be a folder that all its nodes\n"
        "share",
    )
    parser.add_argument(
        "--machines",
        type=command_line.at_least(2),
        metavar="N",
        help="train each net on N machines of the cluster together, on --devices of each; when one "
        "is\nlost, the training goes on once there are N again; needs KERAS_BACKEND=jax",
    )


def _add_where(parser):
    parser.add_argument(
        "--name", type=command_line.not_empty, help="name of the run folder (default: the model's)"
    )
    parser.add_argument(
        "--runs",
        type=command_line.path,
        default="runs",
        help="where run folders go (default: runs)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--resume", action="store_true", help="continue the run there")
    existing.add_argument("--overwrite", action="store_true", help="replace the run there")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard logs")


def _check(parser, arguments):
    names = [name for name, _ in arguments.set]
    arguments.set = dict(arguments.set)
    is_specialists = arguments.model == places.SPECIALISTS_MODEL

    def require(holds, message):
        if not holds:
            parser.error(message)

    require(arguments.model or arguments.list, "--model is needed; --list shows the choices.")
    require(
        0 <= arguments.hold_out < 1,
        f"--hold-out must be from 0 to below 1. Received: {arguments.hold_out}.",
    )
    require(arguments.seed < 2**31, f"--seed must be below 2³¹. Received: {arguments.seed}.")
    require(not (arguments.folds and is_specialists), "--folds is for a single net of the zoo.")
    for option, is_given in (
        ("--jobs", (arguments.jobs or 1) > 1),
        ("--cluster", arguments.cluster and not arguments.machines),
    ):
        require(
            not is_given or is_specialists or arguments.folds,
            f"{option} is for several nets: --model specialists, or --folds. A single net uses "
            "all cores already.",
        )
    require(arguments.cluster or not arguments.machines, "--machines is for --cluster.")
    require(
        not (arguments.cluster and arguments.jobs), "--cluster: not allowed with argument --jobs"
    )
    require(
        not arguments.cluster or arguments.machines or arguments.devices == 1,
        "--cluster: not allowed with argument --devices, without --machines.",
    )
    require(
        not (arguments.folds and arguments.distill_from),
        "--distill-from has seen the faces that --folds leaves out; give only one of them.",
    )
    require(
        not (arguments.epochs and arguments.budget),
        "--epochs and --budget both set the epochs; give only one of them.",
    )
    require(
        is_specialists or not arguments.architecture, "--architecture is for --model specialists."
    )
    require("epochs" not in names, "--set epochs is not possible; use --epochs.")
    require(
        not (is_specialists and "rows" in {name.split(".")[-1] for name in names}),
        "--set rows is for single nets; a specialist takes all rows that carry its labels.",
    )
    require(
        len(arguments.set) == len(names),
        f"--set must name each setting only once. Received: {', '.join(names)}.",
    )


def _devices(text):
    return defaults.ALL_DEVICES if text == defaults.ALL_DEVICES else command_line.at_least(1)(text)


def _setting(text):
    name, separator, value = text.partition("=")
    if not separator or not name or not value:
        raise argparse.ArgumentTypeError(
            f"must be NAME=VALUE, such as learning_rate=0.005. Received: {text!r}"
        )
    return name, value
