"""What to train, on what and how, and what `config.json` says of it."""

import dataclasses

import data_pipeline
import models
from data_pipeline import FaceData
from trained_nets.predictor import Predictor
from trained_nets.run_folder import LoadedNet, RunFolder, provenance


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all nets have in common that one command trains.

    Attributes:
        seed: decides the split, initial weights, dropout, order and augmentation.
        precision: "float32" or "bfloat16", as `models.set_precision` was called.
        data_path: what `--data` said.
        hold_out: share of the faces that were held out.
        split: `data_pipeline.split_digest` of these; None if nobody is to repeat the split.
        fold: of a net of an ensemble: its `number`, counted from 1, `of` how many, `split_seed`.
        init_from: the run that the warm start came from, and `source` its net; or None.
        distill_from: the run that teaches, and `teacher` its predictor; or None.
    """

    seed: int
    precision: str
    data_path: str | None = None
    hold_out: float = data_pipeline.HOLD_OUT
    split: str | None = None
    fold: dict | None = None
    init_from: str | None = None
    source: LoadedNet | None = None
    distill_from: str | None = None
    teacher: Predictor | None = None


@dataclasses.dataclass(frozen=True)
class Task:
    """What to train, on what, and where to put it.

    Attributes:
        net: the zoo entry's name.
        model_name: what the model is called; a specialist's own name.
        recipe: how it is trained.
        train: the training rows.
        valid: the validation rows, of the same keypoints; none if nothing is held out.
        run: the run folder.
        settings: the command's.
        later_steps: of the trainings that follow, for the ETA.
    """

    net: str
    model_name: str
    recipe: models.Recipe
    train: FaceData
    valid: FaceData
    run: RunFolder
    settings: Settings
    later_steps: int = 0


def configuration(task: Task) -> dict:
    """What `config.json` says of the training of one net, but for its results."""
    return {
        "model": task.net,
        "description": models.find(task.net).description,
        "keypoints": list(task.train.names),
        **common_configuration(task),
    }


def common_configuration(task) -> dict:
    """What `config.json` says of every training.

    Args:
        task: has `recipe`, `settings`, `train` and `valid`.
    """
    return {
        "recipe": dataclasses.asdict(task.recipe),
        "seed": task.settings.seed,
        "precision": task.settings.precision,
        "init_from": task.settings.init_from,
        "distill_from": task.settings.distill_from,
        "data": _describe_data(task.settings, task.train, task.valid),
        **provenance(),
    }


def _describe_data(settings, train, valid):
    fold = {"fold": settings.fold} if settings.fold else {}
    return fold | {
        "path": settings.data_path,
        "hold_out": settings.hold_out,
        "split": settings.split,
        "description": train.description,
        "fingerprint": train.fingerprint,
        "grouped_by": train.grouped_by,
        "train_rows": len(train),
        "valid_rows": len(valid),
    }
