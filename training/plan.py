"""From the options of train.py to what is to be trained."""

import dataclasses
import importlib.util
from collections.abc import Mapping

import keypoint_schema
import models
from errors import UserError
from trained_nets.run_folder import SPECIALISTS, RunFolder
from trained_nets.trained_net import TrainedNet
from training import defaults


@dataclasses.dataclass(frozen=True)
class Plan:
    """What the options ask for, before any data is read.

    Attributes:
        net: the zoo entry, of each specialist if these are to be trained.
        recipe: with what `--set` changes of it.
        overrides: what `--set` changes for single specialists.
        run: where it goes.
    """

    net: str
    recipe: models.Recipe
    overrides: Mapping[str, Mapping[str, str]]
    run: RunFolder


def make_plan(arguments, warm_start: TrainedNet | None) -> Plan:
    """Decides what to train, and checks everything that can be checked before any data is read.

    Args:
        arguments: as `training.arguments.parse_arguments` gives them.
        warm_start: the net of `--init-from`, or None.

    Raises:
        UserError: if the options do not fit each other, the zoo, or the run folder.
    """
    is_specialists = arguments.model == SPECIALISTS
    net = _choose_architecture(arguments, warm_start) if is_specialists else arguments.model
    common, overrides = _split_settings(arguments)
    recipe = models.override(net, models.find_recipe(net, arguments.recipe), common)
    for own in overrides.values():
        models.override(net, recipe, own)  # so that a mistake is told before any work
    if recipe.source_aware and recipe.rows == "complete" and not is_specialists:
        raise UserError(
            f"--set source_aware=true is for faces with few keypoints, and {net} trains on faces "
            "with all of them. Add --set rows=labelled, or leave it out."
        )
    run = RunFolder(arguments.runs / (arguments.name or arguments.model))
    _check_folder(run, arguments)
    return Plan(net, recipe, overrides, run)


def _choose_architecture(arguments, warm_start):
    """What the specialists are built like."""
    if arguments.architecture:
        return arguments.architecture
    if warm_start is None:
        return defaults.ARCHITECTURE if arguments.data else defaults.BUILT_IN_ARCHITECTURE
    if warm_start.config["model"] not in models.ZOO:
        raise UserError(
            f"{arguments.init_from} is no single net of the zoo. Name one for --init-from."
        )
    return warm_start.config["model"]


def _split_settings(arguments):
    """What `--set` says for every net, and for single specialists."""
    common, overrides = {}, {}
    known = [specialist.name for specialist in keypoint_schema.SPECIALISTS]
    for name, value in arguments.set.items():
        specialist, separator, own = name.partition(".")
        if not separator:
            common[name] = value
            continue
        if specialist not in known or arguments.model != SPECIALISTS:
            raise UserError(
                f"--set SPECIALIST.NAME=VALUE is for --model specialists and one of "
                f"{', '.join(known)}. Received: {name}={value}."
            )
        overrides.setdefault(specialist, {})[own] = value
    return common, overrides


def _check_folder(run, arguments):
    """Refuses to write over an earlier run unasked."""
    if run.path.exists() and not (arguments.resume or arguments.overwrite):
        raise UserError(
            f"{run.path} exists. --resume goes on with it, --overwrite replaces it, "
            "--name chooses another folder."
        )
    if run.path.exists():
        run.read_config()  # no other folder is to be deleted, or trained into
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
    if arguments.resume and not run.path.exists():
        raise UserError(f"There is no {run.path} to resume; leave out --resume to begin it.")
