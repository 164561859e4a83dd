"""Trains the six specialists, one after another, each on the rows that carry its labels."""

import dataclasses
import math

import rich.console
import rich.table

import data_pipeline
import keypoint_schema
import models
from data_pipeline import FaceData
from errors import UserError
from trained_nets.run_folder import SPECIALISTS, RunFolder
from training import fit as fitting
from training import task as training_task

PATIENCE = 200  # epochs


@dataclasses.dataclass(frozen=True)
class SpecialistsTask:
    """What `training_task.Task` says of one net, for all six.

    Attributes:
        architecture: the zoo entry that each specialist is built like.
        recipe: how each is trained, but for epochs, patience and its own overrides.
        epochs: for each of them; None derives them from `budget`.
        budget: images that each sees: epochs = budget / rows that carry its labels.
        train, valid: all rows, with all keypoints.
        run: the run folder.
        settings: the command's.
    """

    architecture: str
    recipe: models.Recipe
    epochs: int | None
    budget: int
    train: FaceData
    valid: FaceData
    run: RunFolder
    settings: training_task.Settings


def recipe_for(
    specialist: keypoint_schema.Specialist, task: SpecialistsTask, rows: int
) -> models.Recipe:
    """The common recipe with the specialist's epochs, patience and own overrides.

    Raises:
        UserError: if an override names no field of the recipe.
    """
    epochs = task.epochs or max(1, task.budget // rows)
    # A specialist's rows are those that carry its labels, whatever the architecture's recipe says.
    common = {"epochs": epochs, "patience": PATIENCE, "rows": "complete"}
    return task.recipe.override(common | dict(specialist.overrides))


def fit_specialists(
    task: SpecialistsTask,
    console: rich.console.Console,
    resume: bool = False,
    tensorboard: bool = False,
) -> dict:
    """Trains what is not finished yet; Ctrl-C leaves the later ones untrained.

    Returns:
        The results as in the run's `config.json`.

    Raises:
        UserError: if no row carries a specialist's labels, or as `fitting.fit`.
    """
    subtasks = _with_later_steps(
        [_subtask(specialist, task) for specialist in keypoint_schema.SPECIALISTS]
    )
    config = {
        "model": SPECIALISTS,
        "description": f"six specialists like {task.architecture}",
        "architecture": task.architecture,
        "keypoints": list(keypoint_schema.NAMES),
        "epochs": task.epochs,
        "budget": task.budget,
        **training_task.common_configuration(task),
    }
    for subtask in subtasks:
        fitting.check(subtask)
    earlier = task.run.earlier_results(config) if resume else None
    task.run.write_config(config, earlier)
    parts = {}
    for number, subtask in enumerate(subtasks, start=1):
        console.print(
            f"\n[bold]{number} of {len(subtasks)} · {subtask.model_name}[/]: "
            f"{', '.join(subtask.train.names)}; {len(subtask.train):,} faces to train, "
            f"{len(subtask.valid):,} to validate, up to {subtask.recipe.epochs:,} epochs",
        )
        try:
            _, results = fitting.fit(subtask, console, resume, tensorboard)
        except KeyboardInterrupt:  # before its first epoch was over
            if not parts:
                raise
            break
        parts[subtask.model_name] = results
        if not results["finished"]:
            break
    results = _pooled(parts)
    task.run.write_config(config, results)
    return results


def _subtask(specialist, task):
    train, valid = (side.select(specialist.keypoints) for side in (task.train, task.valid))
    if not len(train) or (len(task.valid) and not len(valid)):
        raise UserError(
            f"No rows are left for the specialist {specialist.name!r}: {len(train)} to train and "
            f"{len(valid)} to validate carry all of {', '.join(specialist.keypoints)}."
        )
    return training_task.Task(
        net=task.architecture,
        model_name=specialist.name,
        recipe=recipe_for(specialist, task, rows=len(train) + len(valid)),
        train=train,
        valid=valid,
        run=task.run.part(specialist.name),
        settings=task.settings,
    )


def _with_later_steps(subtasks):
    later, result = 0, []
    for subtask in reversed(subtasks):
        result.insert(0, dataclasses.replace(subtask, later_steps=later))
        steps = data_pipeline.steps_per_epoch(subtask.train, subtask.recipe.batch_size)
        later += steps * subtask.recipe.epochs
    return result


def _pooled(parts):
    """The specialists' results as one: errors over all their labels, epochs and seconds summed."""
    offsets = {}  # by keypoint, so that they only need to be put together
    for part in parts.values():
        for kind in ("mirror_offset_px", "partial_offset_px"):
            if kind in part:
                offsets[kind] = offsets.get(kind, {}) | part[kind]
    return _pooled_validation(parts) | {
        **offsets,
        "epochs_run": sum(part["epochs_run"] for part in parts.values()),
        "seconds": round(sum(part["seconds"] for part in parts.values()), 1),
        "finished": len(parts) == len(keypoint_schema.SPECIALISTS)
        and all(part["finished"] for part in parts.values()),
    }


def _pooled_validation(parts):
    if not all("valid_labels" in part for part in parts.values()):
        return {}  # nothing was held out
    labels = sum(part["valid_labels"] for part in parts.values())
    squares = sum(part["valid_rmse_px"] ** 2 * part["valid_labels"] for part in parts.values())
    per_keypoint = {}
    for part in parts.values():
        per_keypoint |= part["valid_rmse_px_per_keypoint"]
    return {
        "valid_rmse_px": math.sqrt(squares / labels),
        "valid_rmse_px_per_keypoint": {
            name: per_keypoint[name] for name in keypoint_schema.NAMES if name in per_keypoint
        },
        "valid_labels": labels,
    }
