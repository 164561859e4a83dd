"""Trains the six specialists, each on the rows that carry its labels."""

import dataclasses
import functools
from collections.abc import Mapping

import rich.console

import keypoint_schema
import models
from data_pipeline import FaceData
from errors import UserError
from trained_nets import places
from trained_nets.run_folder import RunFolder
from training.executors.choice import Executor
from training.parts import fit_parts
from training.results import Results, pool, pool_validation
from training.task import Settings, Task, common_configuration, epochs_for


@dataclasses.dataclass(frozen=True)
class SpecialistsTask:
    """The counterpart of `Task` for all six specialists.

    Attributes:
        architecture: the name of the zoo entry that each specialist is built as.
        recipe: how each is trained, except for epochs and its own settings.
        epochs: for each of them; None derives them from `budget`.
        budget: images that each sees: epochs = budget / rows that carry its labels.
        overrides: settings by specialist, which take precedence over the schema's.
        train, valid: all rows, with all keypoints.
        run: the run folder.
        settings: of the command.
    """

    architecture: str
    recipe: models.Recipe
    epochs: int | None
    budget: int
    overrides: Mapping[str, Mapping[str, object]]
    train: FaceData
    valid: FaceData
    run: RunFolder
    settings: Settings


def recipe_for(
    specialist: keypoint_schema.Specialist, task: SpecialistsTask, rows: int
) -> models.Recipe:
    """Returns the common recipe with the specialist's epochs and own settings.

    Raises:
        UserError: if neither the recipe nor the net has such a setting, or as `epochs_for`.
    """
    # A specialist's rows are those that carry its labels, whatever the architecture's recipe says.
    common = {"epochs": task.epochs or epochs_for(task.budget, rows), "rows": "complete"}
    own = dict(specialist.overrides) | dict(task.overrides.get(specialist.name, {}))
    return models.override(task.architecture, task.recipe, common | own)


def fit_specialists(
    task: SpecialistsTask, console: rich.console.Console, executor: Executor
) -> Results:
    """Trains the specialists that are not finished yet; Ctrl-C leaves some of them untrained.

    Args:
        task: what to train.
        console: as for `fit`.
        executor: the way to train them.

    Returns:
        The results as in the run's `config.json`.

    Raises:
        UserError: if no row carries a specialist's labels, or as `fit` and the executor.
    """
    makes = [functools.partial(_task_of, each) for each in keypoint_schema.SPECIALISTS]
    config = {
        "model": places.SPECIALISTS_MODEL,
        "description": f"six specialists like {task.architecture}",
        "architecture": task.architecture,
        "keypoints": list(keypoint_schema.NAMES),
        "labellers": list(task.train.labellers),
        "epochs": task.epochs,
        "budget": task.budget,
        **common_configuration(task.recipe, task.settings, task.train, task.valid),
    }
    parts = [each.results for each in fit_parts(task, makes, config, console, executor)]
    results = pool(parts, len(makes))
    # Those of some of the keypoints would be taken for the run's errors.
    if len(parts) == len(makes) and all(part.validation for part in parts):
        validation = pool_validation([part.validation for part in parts])
        results = dataclasses.replace(results, validation=validation)
    task.run.write_config(config, results.as_json())
    return results


def _task_of(specialist, task):
    train, valid = (side.select(specialist.keypoints) for side in (task.train, task.valid))
    if not len(train) or (len(task.valid) and not len(valid)):
        raise UserError(
            f"No rows are left for the specialist {specialist.name!r}: {len(train)} to train and "
            f"{len(valid)} to validate carry all of {', '.join(specialist.keypoints)}."
        )
    return Task(
        net=task.architecture,
        model_name=specialist.name,
        recipe=recipe_for(specialist, task, rows=len(train) + len(valid)),
        train=train,
        valid=valid,
        run=task.run.part(specialist.name),
        settings=task.settings,
    )
