"""The results of a training, as `config.json` records them."""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np

import keypoint_schema
import models
from data_pipeline import FaceData
from evaluation import labeller_offset, metrics, mirror_offset


@dataclasses.dataclass(frozen=True)
class Validation:
    """Errors on faces that were not trained on.

    Attributes:
        rmse_px: over all labels.
        rmse_px_per_keypoint: by name, for keypoints labelled on any of these faces.
        labels: how many coordinates are labelled.
    """

    rmse_px: float
    rmse_px_per_keypoint: Mapping[str, float]
    labels: int

    @property
    def loss(self) -> float:
        """The mean squared error in normalized units."""
        return (self.rmse_px / keypoint_schema.PIXELS_PER_UNIT) ** 2

    def as_json(self) -> dict:
        """Returns the entries for `config.json`."""
        return {
            "valid_loss": self.loss,
            "valid_rmse_px": self.rmse_px,
            "valid_rmse_px_per_keypoint": dict(self.rmse_px_per_keypoint),
            "valid_labels": self.labels,
        }

    @classmethod
    def from_json(cls, values: dict) -> "Validation":
        """Reads what `as_json` returned."""
        per_keypoint = values["valid_rmse_px_per_keypoint"]
        return cls(values["valid_rmse_px"], per_keypoint, values["valid_labels"])


@dataclasses.dataclass(frozen=True)
class Results:
    """How a training ended.

    Attributes:
        epochs_run: how many were trained.
        seconds: how long they took together.
        finished: whether it ended by itself, without being interrupted.
        best_epoch: the one whose weights were kept, from 1; None for several nets together.
        train_loss: of the kept weights, without dropout; None for several nets together.
        mirror_offset_px: as `keypoint_schema.Mirror.of` takes it, measured on validation rows, or
            on training rows if nothing was held out.
        partial_offset_px: what `evaluation.labeller_offset` adds; None if not source-aware.
        validation: None if nothing was held out.
        out_of_fold: of an ensemble's nets, each on the faces that it left out; otherwise None.
    """

    epochs_run: int
    seconds: float
    finished: bool
    best_epoch: int | None = None
    train_loss: float | None = None
    mirror_offset_px: dict = dataclasses.field(default_factory=dict)
    partial_offset_px: dict | None = None
    validation: Validation | None = None
    out_of_fold: Validation | None = None

    def as_json(self) -> dict:
        """Returns the entries for `config.json`, without those that are None."""
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name not in ("validation", "out_of_fold")
        }
        values = {name: value for name, value in values.items() if value is not None}
        if self.validation:
            values |= self.validation.as_json()
        if self.out_of_fold:
            values["out_of_fold"] = self.out_of_fold.as_json()
        return values

    @classmethod
    def from_json(cls, values: dict) -> "Results":
        """Reads what `as_json` returned."""
        names = {field.name for field in dataclasses.fields(cls)} - {"validation", "out_of_fold"}
        out_of_fold = values.get("out_of_fold")
        return cls(
            **{name: values[name] for name in names if name in values},
            validation=Validation.from_json(values) if "valid_labels" in values else None,
            out_of_fold=Validation.from_json(out_of_fold) if out_of_fold else None,
        )


def measure_results(
    model: keras.Model,
    train: FaceData,
    valid: FaceData,
    source_aware: bool,
    best_epoch: int,
    seconds: Sequence[float],
    finished: bool,
) -> Results:
    """Measures errors and offsets of a trained net.

    Args:
        model: with its best weights.
        train: the training rows.
        valid: the validation rows; none if nothing was held out.
        source_aware: whether the net's recipe is.
        best_epoch: counted from 0.
        seconds: of each epoch.
        finished: whether training ended by itself.
    """
    answers, held_out = (models.predict_normalized(model, each.images) for each in (train, valid))
    predicted = keypoint_schema.to_pixels(answers)
    # On rows whose labels a net has memorized, it only confirms the offset it was trained with.
    unseen = (valid, held_out) if len(valid) else (train, answers)
    mirror = _mirrors(model, *unseen, source_aware)[0]
    offset = None
    if source_aware:
        four_point_labels = train.by_labeller()[:, len(train.names) :]
        offset = labeller_offset.measure(predicted, four_point_labels, train.names)
        predicted = labeller_offset.add(predicted, train.four_point, train.names, offset)
    return Results(
        epochs_run=len(seconds),
        seconds=round(sum(seconds), 1),
        finished=finished,
        best_epoch=best_epoch + 1,
        train_loss=metrics.loss(predicted, train.keypoints),
        mirror_offset_px=mirror.offset_px(train.names),
        partial_offset_px=offset,
        validation=validate(keypoint_schema.to_pixels(held_out), valid, offset),
    )


def validate(
    predicted: np.ndarray, valid: FaceData, partial_offset_px: dict | None = None
) -> Validation | None:
    """Compares predictions with the labels of faces that were not trained on.

    Args:
        predicted: `(N, K, 2)` px, the predictions of the net that is kept.
        valid: N faces.
        partial_offset_px: of a source-aware net, added in rows of the four-point labeller.

    Returns:
        The errors; None if there are no faces.
    """
    if not len(valid):
        return None
    predicted = labeller_offset.add(predicted, valid.four_point, valid.names, partial_offset_px)
    labels = valid.keypoints
    return Validation(
        rmse_px=metrics.rmse_px(predicted, labels).value(),
        rmse_px_per_keypoint={
            name: metrics.rmse_px(predicted[:, [k]], labels[:, [k]]).value()
            for k, name in enumerate(valid.names)
            if np.isfinite(labels[:, k]).any()
        },
        labels=int(np.isfinite(labels).sum()),
    )


def pool(parts: Sequence[Results], number: int) -> Results:
    """Combines the results of a run's nets, except for their errors.

    Args:
        parts: of the nets trained so far; at least one.
        number: how many nets the run will have.
    """
    return Results(
        epochs_run=sum(part.epochs_run for part in parts),
        seconds=round(sum(part.seconds for part in parts), 1),
        finished=len(parts) == number and all(part.finished for part in parts),
        mirror_offset_px=_mean_offsets([part.mirror_offset_px for part in parts]),
        partial_offset_px=_mean_offsets(
            [part.partial_offset_px for part in parts if part.partial_offset_px is not None]
        )
        or None,
    )


def pool_validation(parts: Sequence[Validation]) -> Validation:
    """Combines the errors of nets for different keypoints, over all labels."""
    labels = sum(part.labels for part in parts)
    squares = sum(part.rmse_px**2 * part.labels for part in parts)
    found = {k: v for part in parts for k, v in part.rmse_px_per_keypoint.items()}
    per_keypoint = {name: found[name] for name in keypoint_schema.NAMES if name in found}
    return Validation(float(np.sqrt(squares / labels)), per_keypoint, labels)


def measure_mirrors(
    model: keras.Model, data: FaceData, by_labeller: bool = False
) -> list[keypoint_schema.Mirror]:
    """Estimates from a net's predictions how the labels of these faces behave under mirroring.

    Returns:
        One mirror; or with `by_labeller` two, for the full labeller's labels and for the
        four-point labeller's. The offset that the net itself has learned does not matter.

    Raises:
        ValueError: if the mirror of a keypoint is not among the data's.
    """
    return _mirrors(model, data, models.predict_normalized(model, data.images), by_labeller)


def _mirrors(model, data, predicted, by_labeller):
    """Measures mirrors with the predictions that are there already."""
    mirrored = models.predict_normalized(model, data.images[:, :, ::-1])
    labels = np.split(data.by_labeller(), 2, axis=1) if by_labeller else [data.keypoints]
    return [
        mirror_offset.measured(predicted, mirrored, keypoint_schema.to_normalized(each), data.names)
        for each in labels
    ]


def _mean_offsets(offsets):
    """Averages offsets by keypoint, over the nets that have them."""
    names = dict.fromkeys(name for each in offsets for name in each)
    return {
        name: np.mean([each[name] for each in offsets if name in each], axis=0).tolist()
        for name in names
    }
