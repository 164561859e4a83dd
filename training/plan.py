"""Turns the options of train.py into a plan of what to train."""

import dataclasses
import importlib.util
from collections.abc import Mapping

import keypoint_schema
import models
from errors import UserError
from trained_nets import places
from trained_nets.run_folder import RunFolder
from trained_nets.trained_net import TrainedNet
from training import defaults, first_checks, from_recipe


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the options ask for, before any data is read.

    Attributes:
        net: the zoo entry's name; for specialists, the one that each is built from.
        recipe: with the changes that `--set` makes for every net.
        overrides: what `--set` changes for single specialists.
        run: the run folder.
    """

    net: str
    recipe: models.Recipe
    overrides: Mapping[str, Mapping[str, str]]
    run: RunFolder


def make_plan(arguments, warm_start: TrainedNet | None) -> Plan:
    """Decides what to train, and checks everything that can be checked before any data is read.

    Args:
        arguments: as `training.arguments.parse_arguments` returns them.
        warm_start: the net of `--init-from`, or None.

    Raises:
        UserError: if the options do not fit each other, the zoo, or the run folder.
    """
    if warm_start and warm_start.config["model"] not in models.ZOO:
        raise UserError(
            f"{arguments.init_from} is not a single net of the zoo. Name one for --init-from."
        )
    is_specialists = arguments.model == places.SPECIALISTS_MODEL
    net = _choose_architecture(arguments, warm_start) if is_specialists else arguments.model
    common, overrides = _split_settings(arguments)
    recipe = models.find_recipe(net, recipe_name(arguments, net))
    if is_specialists and recipe.patience is None:  # not below: `--set patience=none` stays none
        recipe = dataclasses.replace(recipe, patience=defaults.SPECIALISTS_PATIENCE)
    recipe = models.override(net, recipe, common)
    for own in ({}, *overrides.values()):  # reports mistakes before any work
        _check_loss(net, models.override(net, recipe, own))
    _check_labellers(recipe, overrides, is_specialists)
    run = run_of(arguments)
    check_folder(run, arguments)
    return Plan(net, recipe, overrides, run)


def is_first_look(arguments) -> bool:
    """Whether a short training on the built-in faces is wanted, for want of any other wish."""
    return not (arguments.data or arguments.epochs or arguments.budget or arguments.recipe)


def recipe_name(arguments, net: str) -> str | None:
    """Returns the name of the recipe's variant, or None for the net's usual recipe."""
    if is_first_look(arguments) and defaults.BUILT_IN_RECIPE in models.find(net).variants:
        return defaults.BUILT_IN_RECIPE
    return arguments.recipe


def run_of(arguments) -> RunFolder:
    """Returns the run folder that the options name."""
    return RunFolder(first_checks.path_of(arguments))


def _check_loss(net, recipe):
    """Refuses a loss that the net has no outputs for; that of its own recipe need not be tried."""
    usual = models.find(net).recipe
    if (recipe.loss, recipe.heatmap_loss) != (usual.loss, usual.heatmap_loss):
        from_recipe.with_training_outputs(models.build(net, settings=recipe.net_settings), recipe)


def _check_labellers(recipe, overrides, is_specialists):
    if any("four_point_labeller" in own for own in overrides.values()):
        raise UserError("--set four_point_labeller is for all specialists together.")
    if recipe.four_point_labeller and recipe.rows == "complete" and not is_specialists:
        raise UserError(
            "--set four_point_labeller=true is for faces with few keypoints, and this net trains "
            "on faces with all of them. Add --set rows=labelled, or leave it out."
        )


def _choose_architecture(arguments, warm_start):
    """Chooses the net that each specialist is built as."""
    if arguments.architecture:
        return arguments.architecture
    if warm_start is None:
        return defaults.ARCHITECTURE if arguments.data else defaults.BUILT_IN_ARCHITECTURE
    return warm_start.config["model"]


def _split_settings(arguments):
    """Splits what `--set` changes into settings for every net and for single specialists."""
    common, overrides = {}, {}
    known = [specialist.name for specialist in keypoint_schema.SPECIALISTS]
    for name, value in arguments.set.items():
        specialist, separator, own = name.partition(".")
        if not separator:
            common[name] = value
            continue
        if specialist not in known or arguments.model != places.SPECIALISTS_MODEL:
            raise UserError(
                f"--set SPECIALIST.NAME=VALUE is for --model specialists and one of "
                f"{', '.join(known)}. Received: {name}={value}."
            )
        overrides.setdefault(specialist, {})[own] = value
    return common, overrides


def check_folder(run, arguments):
    """Refuses to overwrite an earlier run unless asked.

    Raises:
        UserError: if the options do not fit what is in the folder.
    """
    first_checks.check_path(run.path, arguments)
    if run.is_begun():
        run.read_config()  # no other folder may be deleted, or trained in
    for option, origin in (
        ("--init-from", arguments.init_from),
        ("--distill-from", arguments.distill_from),
    ):
        if arguments.overwrite and origin and run.holds(origin):
            raise UserError(
                f"--overwrite would replace {origin}, which {option} needs. Choose another --name."
            )
    if arguments.tensorboard and not importlib.util.find_spec("tensorboard"):
        raise UserError("--tensorboard needs the extra: pip install -e '.[tensorboard]'.")
