"""What to train, on what and how, and its description in `config.json`."""

import dataclasses

import data_pipeline
import models
from data_pipeline import FaceData
from errors import UserError
from models.recipe import MAX_EPOCHS
from trained_nets.provenance import provenance
from trained_nets.run_folder import RunFolder
from trained_nets.trained_net import TrainedNet


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings shared by all nets that one command trains.

    Attributes:
        seed: decides the split, initial weights, dropout, order and augmentation.
        precision: "float32" or "bfloat16", as passed to `models.set_precision`.
        data_path: the value of `--data`; a list of several.
        hold_out: share of the faces that were held out.
        split: `data_pipeline.split_digest` of these; None if the split need not be repeatable.
        sources: of several data sets, each one's, as `Sources.described` returns it.
        fold: for a net of an ensemble, its `number`, counted from 1, `of` how many, `split_seed`.
        warm_start: the net whose weights training starts from, or None.
        teacher: the net that teaches, or None.
        seen_before: how many of the held-out faces these two nets have seen.
        earlier_data: fingerprints of the data that these two nets have learned from.
        resume: continue the run in the folder; a finished one is just loaded.
        tensorboard: write TensorBoard logs.
        devices: how many train each net together, those of all processes.
        processes: how many these are, one on each machine.
    """

    seed: int
    precision: str
    data_path: str | list[str] | None = None
    hold_out: float = data_pipeline.HOLD_OUT
    split: str | None = None
    sources: tuple[dict, ...] = ()
    fold: dict | None = None
    warm_start: TrainedNet | None = None
    teacher: TrainedNet | None = None
    seen_before: int = 0
    earlier_data: tuple[str, ...] = ()
    resume: bool = False
    tensorboard: bool = False
    devices: int = 1
    processes: int = 1


@dataclasses.dataclass(frozen=True)
class Task:
    """What to train, on what, and where to put it.

    Attributes:
        net: the zoo entry's name.
        model_name: the model's name; for a specialist, the specialist's.
        recipe: how it is trained.
        train: the training rows.
        valid: the validation rows, of the same keypoints; none if nothing is held out.
        run: the run folder.
        settings: of the command.
        later_steps: steps of the trainings that follow, for the ETA.
    """

    net: str
    model_name: str
    recipe: models.Recipe
    train: FaceData
    valid: FaceData
    run: RunFolder
    settings: Settings
    later_steps: int = 0

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches of training rows."""
        return data_pipeline.steps_per_epoch(self.train, self.recipe.batch_size)


def epochs_for(budget: int, rows: int) -> int:
    """Returns the epochs in which a net sees so many images.

    Args:
        budget: images.
        rows: faces to train and to validate.

    Raises:
        UserError: if these are more epochs than a recipe allows.
    """
    epochs = max(1, budget // rows)
    if epochs > MAX_EPOCHS:
        raise UserError(
            f"A budget of {budget:,} images is {epochs:,} epochs of {rows:,} faces, and there can "
            f"be at most {MAX_EPOCHS:,}. Give a smaller --budget, or --epochs."
        )
    return epochs


def configuration(task: Task) -> dict:
    """Returns what `config.json` records about one net's training, except its results."""
    return {
        "model": task.net,
        "description": models.find(task.net).description,
        "keypoints": list(task.train.names),
        "labellers": list(task.train.labellers),
        **common_configuration(task.recipe, task.settings, task.train, task.valid),
    }


def common_configuration(
    recipe: models.Recipe, settings: Settings, train: FaceData, valid: FaceData
) -> dict:
    """Returns what `config.json` records about any training, of one net or of several."""
    return {
        "recipe": recipe.as_json(),
        "seed": settings.seed,
        "precision": settings.precision,
        **_describe_net("init_from", settings.warm_start),
        **_describe_net("distill_from", settings.teacher),
        "data": _describe_data(settings, train, valid),
        "devices": settings.devices,
        "processes": settings.processes,
        **provenance(),
    }


def _describe_net(entry, net):
    return {
        entry: net.origin if net else None,
        f"{entry}_weights": net.weights_digest if net else None,
    }


def _describe_data(settings, train, valid):
    described = {
        "path": settings.data_path,
        "hold_out": settings.hold_out,
        "split": settings.split,
        "description": train.description,
        "fingerprint": train.fingerprint,
        "grouped_by": train.grouped_by,
        "train_rows": len(train),
        "valid_rows": len(valid),
    }
    if settings.sources:
        described["sources"] = list(settings.sources)
    if settings.fold:
        described["fold"] = settings.fold
    if settings.seen_before:
        described["seen_before"] = settings.seen_before
    if settings.earlier_data:
        described["earlier"] = list(settings.earlier_data)
    return described
