"""What train.py does once its options are parsed."""

import contextlib
import dataclasses
import functools

import rich.console

import command_line
import data_pipeline
import keypoint_schema
import labelling
import models
from data_pipeline import FaceData
from errors import UserError
from trained_nets import held_out, places, run_lock
from trained_nets.loading import load_keras_net
from training import defaults, distribution, machines
from training.ensemble import fit_folds
from training.executors.choice import Executor, choose
from training.executors.parallel import FailedTrainingsError
from training.fit import fit
from training.plan import Plan, check_folder, is_first_look, make_plan, recipe_name
from training.report import report
from training.results import Results
from training.sources import load_sources, without_held_out_pictures
from training.specialists import SpecialistsTask, fit_specialists
from training.task import Settings, Task, epochs_for


@dataclasses.dataclass(frozen=True)
class _Command:
    """What to train, on which faces and how, once the data is read."""

    plan: Plan
    train: FaceData
    valid: FaceData
    settings: Settings
    executor: Executor
    console: rich.console.Console


def run(arguments, patience: float = 0.0) -> int:
    """Trains what the options ask for; returns the exit status.

    If there are several processes, each does so, and only the first one prints and saves.

    Args:
        arguments: as `training.arguments.parse_arguments` returns them.
        patience: seconds to wait for a process that trains there and is about to end.

    Raises:
        UserError: if something is wrong with the options, the data or the folder.
        DivergedError: if the loss is no longer a number.
        FailedTrainingsError: if some of several trainings failed; the others are kept.
    """
    return machines.run(arguments, functools.partial(_run, patience=patience))


def _run(arguments, patience):
    console = rich.console.Console(  # without markup, as names and paths may have brackets
        soft_wrap=True, highlight=False, markup=False, quiet=not distribution.is_first_process()
    )
    executor = choose(arguments)
    devices = distribution.count(arguments.devices)
    warm_start, teacher = (
        load_keras_net(origin) if origin else None
        for origin in (arguments.init_from, arguments.distill_from)
    )
    plan = make_plan(arguments, warm_start)
    if not arguments.data:
        console.print(_first_look(arguments, plan))
    precision, reason = models.choose_precision(arguments.precision)
    models.set_precision(precision)
    console.print(f"Precision: {precision}, {reason}.")
    if devices > 1:
        console.print(f"Each batch is divided among {devices} devices.")
    sources = load_sources(
        arguments.data or [None],
        arguments.seed,
        arguments.hold_out,
        plan.recipe.four_point_labeller,
    )
    if arguments.resume and plan.run.is_begun():
        sources = sources.as_recorded(plan.run.read_config())
    for data in sources.data:
        console.print(data_pipeline.summary_table(data))
    train, valid = sources.joined()
    if not arguments.folds:  # whose nets hold out more
        train = without_held_out_pictures(train, valid, console)
    _require_four_point_rows(plan.recipe, train)
    if arguments.folds and warm_start:
        sources.require_unseen_by(warm_start)
    split = f"{len(train):,} faces to train, {len(valid):,} to validate"
    console.print(f"Split by {train.grouped_by}: {split}.{_keeps_last(valid, arguments)}")
    if len(train.labellers) > 1:
        console.print(f"Labellers: {', '.join(train.labellers)}.")
    console.print()
    settings = Settings(
        seed=arguments.seed,
        precision=precision,
        data_path=_data_path(arguments),
        hold_out=arguments.hold_out,
        split=data_pipeline.split_digest(valid),
        sources=sources.described(),
        warm_start=warm_start,
        teacher=teacher,
        seen_before=sources.count_seen_by((warm_start, teacher), console),
        earlier_data=held_out.fingerprints(net.config for net in (warm_start, teacher) if net),
        resume=arguments.resume,
        tensorboard=arguments.tensorboard,
        devices=devices,
        processes=distribution.share(devices).processes,
    )
    console.print(_layer_table(plan, arguments))
    fit_all = _fit_specialists if arguments.model == places.SPECIALISTS_MODEL else _fit_net
    with run_lock.held(plan.run, patience):
        plan.run.clear_up_after_kill()
        check_folder(plan.run, arguments)  # again, for another process may have trained meanwhile
        with plan.run.replaced() if arguments.overwrite else contextlib.nullcontext():
            command = _Command(plan, train, valid, settings, executor, console)
            with machines.losses_told():  # before `replaced` hears of them
                results = fit_all(arguments, command)
        plan.run.forget_replaced()  # left by a killed --overwrite, now completed by --resume
    if executor.failures:  # only now, for the others are worth more than what they replace
        raise FailedTrainingsError(executor.failures, plan.run)
    return report(results, plan.run, settings, arguments, console)


def _first_look(arguments, plan):
    """Describes a training without `--data`, which is shorter than with it."""
    is_specialists = arguments.model == places.SPECIALISTS_MODEL
    what = f"six {plan.net} specialists" if is_specialists else plan.net
    said = f"No --data: training {what} on the built-in drawn faces, for a first look."
    if not is_first_look(arguments):
        return said
    budget = defaults.BUILT_IN_SPECIALISTS_BUDGET if is_specialists else defaults.BUILT_IN_BUDGET
    full = f"specialists are {defaults.ARCHITECTURE}s and " if is_specialists else ""
    recipe = recipe_name(arguments, plan.net)
    by = f", by the {recipe} recipe" if recipe else ""
    return (
        f"{said} Each net sees {budget:,} images{by}; with --data, {full}nets are trained for as "
        "long as their usual recipes say."
    )


def _keeps_last(valid, arguments):
    if len(valid) or arguments.folds:
        return ""
    return " Nothing tells which epoch is best, so training goes to the last one and keeps that."


def _data_path(arguments):
    return arguments.data if len(arguments.data) > 1 else (arguments.data or [None])[0]


def _require_four_point_rows(recipe, train):
    names = map(labelling.full, train.labellers)
    if recipe.four_point_labeller and tuple(names) == train.labellers:
        raise UserError(
            "--set four_point_labeller=true needs training faces labelled with only "
            f"{', '.join(labelling.FOUR_POINTS)}; there are none. Leave it out."
        )


def _layer_table(plan, arguments):
    """Builds the layer table of the net, or of the first specialist."""
    settings = plan.recipe.net_settings
    if arguments.model != places.SPECIALISTS_MODEL:
        return models.layer_table(models.build(plan.net, settings=settings))
    first = keypoint_schema.SPECIALISTS[0]
    return models.layer_table(models.build(plan.net, len(first.keypoints), first.name, settings))


def _fit_net(arguments, command: _Command) -> Results:
    """Trains one net, or an ensemble of it, on the rows that its recipe asks for."""
    recipe, settings, console = command.plan.recipe, command.settings, command.console
    train, valid = (side.usable(recipe.rows) for side in (command.train, command.valid))
    if not len(train) or (settings.hold_out and not len(valid)):
        any_labels = " --set rows=labelled takes faces with any labels."
        raise UserError(
            f"No {recipe.rows} faces are left: {len(train)} to train, {len(valid)} to validate. "
            f"Check the label counts above, and --hold-out."
            + any_labels
            * (recipe.rows == "complete")
        )
    budget = defaults.BUILT_IN_BUDGET if is_first_look(arguments) else arguments.budget
    if arguments.epochs:
        recipe = dataclasses.replace(recipe, epochs=arguments.epochs)
    elif budget:
        recipe = dataclasses.replace(recipe, epochs=epochs_for(budget, len(train) + len(valid)))
    task = Task(
        net=command.plan.net,
        model_name=command.plan.net,
        recipe=recipe,
        train=train,
        valid=valid,
        run=command.plan.run,
        settings=settings,
    )
    console.print(
        f"\n{len(train):,} {recipe.rows} faces to train, {len(valid):,} to validate, "
        f"up to {command_line.counted(recipe.epochs, 'epoch')}",
    )
    if arguments.folds:
        return fit_folds(task, arguments.folds, console, command.executor)
    return fit(task, console)


def _fit_specialists(arguments, command: _Command) -> Results:
    """Trains the six specialists."""
    plan, epochs = command.plan, arguments.epochs
    if arguments.recipe and not (epochs or arguments.budget):
        epochs = plan.recipe.epochs
    from_scratch, after_warm_start = models.find(plan.net).specialist_budgets
    default = after_warm_start if arguments.init_from else from_scratch
    if not arguments.data:
        default = defaults.BUILT_IN_SPECIALISTS_BUDGET
    task = SpecialistsTask(
        architecture=plan.net,
        recipe=plan.recipe,
        epochs=epochs,
        budget=arguments.budget or default,
        overrides=plan.overrides,
        train=command.train,
        valid=command.valid,
        run=plan.run,
        settings=command.settings,
    )
    return fit_specialists(task, command.console, command.executor)
