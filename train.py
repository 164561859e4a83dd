"""Trains facial-keypoint models: any net of the zoo, or the six specialists."""

import contextlib
import importlib.util
import shlex

import command_line
from errors import UserError
from training.arguments import (
    ARCHITECTURE,
    BUILT_IN_ARCHITECTURE,
    BUILT_IN_BUDGET,
    BUILT_IN_SPECIALISTS_BUDGET,
    parse_arguments,
)


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    import rich.console

    import data_pipeline
    import keypoint_schema
    import models
    from trained_nets import predictor, preset_store, run_folder
    from training import task as training_task

    console = rich.console.Console(soft_wrap=True, highlight=False)
    if arguments.list:
        console.print(models.zoo_table())
        trained = ", ".join(f"preset:{name}" for name in preset_store.preset_names())
        console.print(f"\nTrained already, wherever a run may be named: {trained}")
        return 0
    is_specialists = arguments.model == run_folder.SPECIALISTS
    warm = preset_store.load_net(arguments.init_from) if arguments.init_from else None
    teacher = preset_store.load_net(arguments.distill_from) if arguments.distill_from else None
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
    if arguments.source_aware and not train.four_point.any():
        raise UserError(
            "--source-aware needs faces with no keypoints but "
            f"{', '.join(keypoint_schema.FOUR_POINTS)}; there are none to train. Leave it out."
        )
    console.print(
        f"Split by {data.grouped_by}: {len(train):,} faces to train, {len(valid):,} to validate.\n",
    )
    for source, loaded in ((arguments.init_from, warm), (arguments.distill_from, teacher)):
        if loaded:
            warn_of_seen_faces(source, loaded.config, valid, data, console)
    console.print(layer_table(net, is_specialists))
    settings = training_task.Settings(
        seed=arguments.seed,
        precision=precision,
        data_path=arguments.data,
        hold_out=arguments.hold_out,
        split=data_pipeline.split_digest(valid),
        init_from=arguments.init_from,
        source=warm,
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
    from trained_nets import run_folder

    changes = {
        "augmentation": arguments.augment,
        "rows": arguments.rows,
        "source_aware": arguments.source_aware,
    }
    recipe = models.find_recipe(net, arguments.recipe)
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
    if run.path.exists():
        run.read_config()  # no other folder is to be deleted, or trained into
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

    from trained_nets import held_out

    if config["data"]["fingerprint"] != data.fingerprint:
        return
    try:
        is_seen = ~held_out.rows_held_out(config, source, data)
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
    from training import ensemble as ensemble_training
    from training import fit as fitting
    from training import task as training_task

    train, valid = train.usable(recipe.rows), valid.usable(recipe.rows)
    if not len(train) or (settings.hold_out and not len(valid)):
        any_labels = " --rows labelled takes faces with any labels."
        raise UserError(
            f"No {recipe.rows} faces are left: {len(train)} to train, {len(valid)} to validate. "
            f"Look at the labels counted above, and at --hold-out."
            + any_labels
            * (recipe.rows == "complete")
        )
    is_first_look = arguments.data is None and not arguments.recipe
    budget = arguments.budget or (BUILT_IN_BUDGET if is_first_look else None)
    if arguments.epochs:
        recipe = recipe.override({"epochs": arguments.epochs})
    elif budget:
        recipe = recipe.override({"epochs": max(1, budget // (len(train) + len(valid)))})
    task = training_task.Task(
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
        f"up to "
        f"{command_line.counted(recipe.epochs, 'epoch')}",
    )
    how = (console, arguments.resume, arguments.tensorboard)
    if arguments.folds:
        return ensemble_training.fit_folds(task, arguments.folds, *how)
    return fitting.fit(task, *how)[1]


def train_specialists(arguments, net, recipe, train, valid, run, settings, console):
    """Trains the six specialists."""
    import models
    from training import specialists as specialist_training

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
    epochs = command_line.counted(results["epochs_run"], "epoch")
    time = f"after {epochs}, {results['seconds']:,.0f} s"
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
