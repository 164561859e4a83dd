"""Trains facial-keypoint models: any net of the zoo, or the six specialists."""

import argparse
import contextlib
import importlib.util
import pathlib
import shlex

import command_line
from errors import UserError

# On the built-in faces a first run is to be over within minutes and still worth a look: few images
# for each net, and specialists of a kind that learns from so few. The tutorial's nets need
# thousands of steps before they do better than the mean face.
BUILT_IN_BUDGET = 24_000  # images
BUILT_IN_SPECIALISTS_BUDGET = 16_000  # images for each of the six
BUILT_IN_ARCHITECTURE = "heatmap_s"
ARCHITECTURE = "net7"

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


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EXAMPLES, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", help="a net of the zoo, or 'specialists'")
    parser.add_argument("--list", action="store_true", help="show the zoo and stop")
    parser.add_argument(
        "--data",
        help="folder with Kaggle's training.csv, .csv.gz or .zip, or the competition's zip\n"
        "(default: the built-in drawn faces)",
    )
    parser.add_argument("--epochs", type=int, help="of each net (default: the recipe's)")
    parser.add_argument(
        "--budget", type=int, help="images that each net sees; epochs = budget / rows"
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
    arguments = parser.parse_args()
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


def main():
    arguments = parse_arguments()
    command_line.start_quietly()
    import rich.console

    import data_pipeline
    import fitting
    import keypoint_schema
    import models
    import predictor
    import presets
    import run_folder

    console = rich.console.Console(soft_wrap=True, highlight=False)
    if arguments.list:
        console.print(models.zoo_table())
        return 0
    is_specialists = arguments.model == run_folder.SPECIALISTS
    warm = presets.load_net(arguments.init_from) if arguments.init_from else None
    teacher = presets.load_net(arguments.distill_from) if arguments.distill_from else None
    net = choose_architecture(arguments, warm) if is_specialists else arguments.model
    recipe = choose_recipe(net, arguments)
    run = run_folder.RunFolder(arguments.runs / (arguments.name or arguments.model))
    check_free(run, arguments)

    precision, reason = models.choose_precision(arguments.precision)
    models.set_precision(precision)
    console.print(f"Precision: {precision}, {reason}.")
    data = data_pipeline.load_faces(arguments.data)
    console.print(data_pipeline.summary_table(data))
    train, valid = data_pipeline.split(data, arguments.seed, arguments.hold_out)
    if arguments.source_aware and not train.partial.any():
        raise UserError(
            "--source-aware needs faces with no keypoints but "
            f"{', '.join(keypoint_schema.PARTIAL_NAMES)}; there are none to train. Leave it out."
        )
    console.print(
        f"Split by {data.grouped_by}: {len(train):,} faces to train, {len(valid):,} to validate.\n",
    )
    for source, loaded in ((arguments.init_from, warm), (arguments.distill_from, teacher)):
        if loaded:
            warn_of_seen_faces(source, loaded.config, valid, data, console)
    console.print(layer_table(net, is_specialists))
    settings = fitting.Settings(
        seed=arguments.seed,
        precision=precision,
        data_path=arguments.data,
        hold_out=arguments.hold_out,
        split=data_pipeline.split_digest(valid),
        init_from=arguments.init_from,
        source=warm.model if warm else None,
        distill_from=arguments.distill_from,
        teacher=predictor.from_net(arguments.distill_from, teacher) if teacher else None,
    )
    train_them = train_specialists if is_specialists else train_net
    with run.replaced() if arguments.overwrite else contextlib.nullcontext():
        results = train_them(arguments, net, recipe, train, valid, run, settings, console)
    run.forget_replaced()  # left by a kill that --resume has made up for
    return report(results, run, arguments, console)


def layer_table(net, is_specialists):
    """The layers of what is trained; of the first specialist, if it is they."""
    import keypoint_schema
    import models

    if not is_specialists:
        return models.layer_table(models.build(net))
    first = keypoint_schema.SPECIALISTS[0]
    return models.layer_table(models.build(net, len(first.keypoints), first.name))


def choose_architecture(arguments, warm):
    """What the specialists are built like."""
    import models

    if arguments.architecture:
        return arguments.architecture
    if warm and warm.config["model"] not in models.ZOO:
        raise UserError(
            f"{arguments.init_from} is no single net of the zoo. Name one for --init-from."
        )
    if warm:
        return warm.config["model"]
    return ARCHITECTURE if arguments.data else BUILT_IN_ARCHITECTURE


def choose_recipe(net, arguments):
    """The net's recipe with what the command line changes of it; told before any work if wrong."""
    import models
    import run_folder

    changes = {
        "augmentation": arguments.augment,
        "rows": arguments.rows,
        "source_aware": arguments.source_aware,
    }
    recipe = models.find(net).find_recipe(arguments.recipe)
    recipe = recipe.override({field: value for field, value in changes.items() if value})
    is_specialists = arguments.model == run_folder.SPECIALISTS
    if arguments.source_aware and recipe.rows == "complete" and not is_specialists:
        raise UserError(
            f"--source-aware is for faces with few keypoints, and {net} trains on faces with all "
            "of them. Add --rows labelled, or leave it out."
        )
    return recipe


def check_free(run, arguments):
    """Refuses to write over an earlier run unasked."""
    if run.path.exists() and not (arguments.resume or arguments.overwrite):
        raise UserError(
            f"{run.path} exists. --resume goes on with it, --overwrite replaces it, "
            "--name chooses another folder."
        )
    if run.path.exists() and arguments.overwrite:
        run.read_config()  # only a run folder may be deleted
    for option in ("init_from", "distill_from"):
        source = getattr(arguments, option)
        if arguments.overwrite and source and run.holds(source):
            raise UserError(
                f"--overwrite would replace {source}, which --{option.replace('_', '-')} needs. "
                "Choose another --name."
            )
    if arguments.tensorboard and not importlib.util.find_spec("tensorboard"):
        raise UserError("--tensorboard needs the extra: pip install -e '.[tensorboard]'.")
    if arguments.resume and not run.path.exists():
        raise UserError(f"There is no {run.path} to resume; leave out --resume to begin it.")


def warn_of_seen_faces(source, config, valid, data, console):
    """What this training begins with, or learns from, may have seen what is held out here."""
    import numpy as np

    import repeated_split

    if config["data"]["fingerprint"] != data.fingerprint:
        return
    try:
        is_seen = ~repeated_split.held_out(config, source, data)
    except UserError:  # it held nothing out, or nobody can tell what
        is_seen = np.ones(len(data), bool)
    seen = np.isin(valid.groups, data.groups[is_seen]).sum()
    if seen:
        console.print(
            f"Note: {source} was trained on {seen:,} of the {len(valid):,} faces that are held out "
            "here, so validation errors will flatter.",
            style="yellow",
        )


def train_net(arguments, net, recipe, train, valid, run, settings, console):
    """Trains one net, or an ensemble of it, on the rows that its recipe wants."""
    import ensemble_training
    import fitting

    train, valid = train.usable(recipe.rows), valid.usable(recipe.rows)
    if not len(train) or (settings.hold_out and not len(valid)):
        raise UserError(
            f"No rows are left with {recipe.rows.replace('complete', 'all')} keypoints: "
            f"{len(train)} to train, {len(valid)} to validate. The specialists need only a part: "
            "--model specialists."
        )
    is_first_look = arguments.data is None and not arguments.recipe
    budget = arguments.budget or (BUILT_IN_BUDGET if is_first_look else None)
    if arguments.epochs:
        recipe = recipe.override({"epochs": arguments.epochs})
    elif budget:
        recipe = recipe.override({"epochs": max(1, budget // (len(train) + len(valid)))})
    task = fitting.Task(
        net=net,
        model_name=net,
        recipe=recipe,
        train=train,
        valid=valid,
        run=run,
        settings=settings,
    )
    console.print(
        f"\n{len(train):,} {recipe.rows} faces to train, {len(valid):,} to validate, "
        f"up to {recipe.epochs:,} epochs",
    )
    how = (console, arguments.resume, arguments.tensorboard)
    if arguments.folds:
        return ensemble_training.fit_folds(task, arguments.folds, *how)
    return fitting.fit(task, *how)[1]


def train_specialists(arguments, net, recipe, train, valid, run, settings, console):
    """Trains the six specialists."""
    import models
    import specialist_training

    epochs = arguments.epochs
    if arguments.recipe and not (epochs or arguments.budget):
        epochs = recipe.epochs
    from_scratch, after_warm_start = models.find(net).specialist_budgets
    default = after_warm_start if arguments.init_from else from_scratch
    if arguments.data is None:
        default = BUILT_IN_SPECIALISTS_BUDGET
    task = specialist_training.SpecialistsTask(
        architecture=net,
        recipe=recipe,
        epochs=epochs,
        budget=arguments.budget or default,
        train=train,
        valid=valid,
        run=run,
        settings=settings,
    )
    return specialist_training.fit_specialists(
        task, console, arguments.resume, arguments.tensorboard
    )


def report(results, run, arguments, console):
    """Says how good it is and what to do next; returns the exit status."""
    time = f"after {results['epochs_run']:,} epochs, {results['seconds']:,.0f} s"
    if single := results.get("out_of_fold"):
        rmse = single["valid_rmse_px"]
        console.print(f"\nEach net on the faces that it left out: {rmse:.3f} px, {time}")
    if "valid_rmse_px" in results:
        console.print(
            f"\n[bold]RMSE on the validation faces: {results['valid_rmse_px']:.3f} px[/] {time}"
        )
        per_keypoint = results["valid_rmse_px_per_keypoint"]
        worst = max(per_keypoint, key=per_keypoint.get)
        best = min(per_keypoint, key=per_keypoint.get)
        console.print(
            f"best {best} {per_keypoint[best]:.2f} px, worst {worst} {per_keypoint[worst]:.2f} px",
        )
    elif results["finished"] and not single:
        console.print(f"\nNothing was held out to judge by; trained {time}")
    if not results["finished"]:
        console.print(
            f"Interrupted; the best weights are in {run.path}. "
            "Repeat the command with --resume to go on.",
        )
        return 130
    data = f" --data {shlex.quote(arguments.data)}" if arguments.data else ""
    folder = shlex.quote(str(run.path))
    judge = f"  python evaluate.py {folder}{data}\n" * bool(arguments.hold_out)
    console.print(
        f"Saved in {run.path}. Next:\n{judge}"
        f"  python export.py {folder} --out exports/facial_keypoints",
    )
    return 0


if __name__ == "__main__":
    command_line.run(main)
