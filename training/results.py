"""What `config.json` says of a training's outcome."""

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
        rmse_px_per_keypoint: by name, of those with labels among these faces.
        labels: how many coordinates are labelled.
    """

    rmse_px: float
    rmse_px_per_keypoint: Mapping[str, float]
    labels: int

    @property
    def loss(self) -> float:
        """The mean squared error, normalized, which training lowers."""
        return (self.rmse_px / keypoint_schema.PIXELS_PER_UNIT) ** 2

    def as_json(self) -> dict:
        """As `config.json` has it."""
        return {
            "valid_loss": self.loss,
            "valid_rmse_px": self.rmse_px,
            "valid_rmse_px_per_keypoint": dict(self.rmse_px_per_keypoint),
            "valid_labels": self.labels,
        }

    @classmethod
    def from_json(cls, values: dict) -> "Validation":
        """Reads what `as_json` gave."""
        per_keypoint = values["valid_rmse_px_per_keypoint"]
        return cls(values["valid_rmse_px"], per_keypoint, values["valid_labels"])


@dataclasses.dataclass(frozen=True)
class Results:
    """How a training ended.

    Attributes:
        epochs_run: how many were trained.
        seconds: that they took together.
        finished: whether it ended by itself, and was not interrupted.
        best_epoch: whose weights were kept, counted from 1; None for several nets together.
        train_loss: of the kept weights, without dropout; None for several nets together.
        mirror_offset_px: what `keypoint_schema.Mirror.of` takes, measured on validation rows; on
            training rows if nothing was held out.
        partial_offset_px: what `evaluation.labeller_offset` adds; None if not source-aware.
        validation: None if nothing was held out.
        out_of_fold: of an ensemble's nets, each on the faces that it left out; else None.
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
        """As `config.json` has it: what is None is left out."""
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
        """Reads what `as_json` gave."""
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
    predicted = models.predict_pixels(model, train.images)
    # Where a net memorizes labels, what it says of those rows confirms what it was told of mirrors.
    unseen = valid if len(valid) else train
    mirror = measure_mirrors(model, unseen, source_aware)[0]
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
        validation=validate(models.predict_pixels(model, valid.images), valid, offset),
    )


def validate(
    predicted: np.ndarray, valid: FaceData, partial_offset_px: dict | None = None
) -> Validation | None:
    """Compares answers with the labels of faces that were not trained on.

    Args:
        predicted: `(N, K, 2)` px, the answers of the net that is kept.
        valid: N faces.
        partial_offset_px: a source-aware net's, which is added in rows of the four-point labeller.

    Returns:
        None if there are no faces.
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
    """Puts together the results of nets that make one run, but for their errors.

    Args:
        parts: of the nets trained so far, at least one.
        number: how many nets there are to be.
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
    """Errors over all labels of nets for different keypoints."""
    labels = sum(part.labels for part in parts)
    squares = sum(part.rmse_px**2 * part.labels for part in parts)
    found = {k: v for part in parts for k, v in part.rmse_px_per_keypoint.items()}
    per_keypoint = {name: found[name] for name in keypoint_schema.NAMES if name in found}
    return Validation(float(np.sqrt(squares / labels)), per_keypoint, labels)


def measure_mirrors(
    model: keras.Model, data: FaceData, by_labeller: bool = False
) -> list[keypoint_schema.Mirror]:
    """How the labels of these faces behave under mirroring, as far as the net can tell.

    Returns:
        One mirror; or with `by_labeller`, that of the full labeller's labels and that of the
        four-point labeller's. Each offset shows whichever way the net itself answers.

    Raises:
        ValueError: if the mirror of a keypoint is not among the data's.
    """
    predicted = models.predict_normalized(model, data.images)
    mirrored = models.predict_normalized(model, data.images[:, :, ::-1])
    labels = np.split(data.by_labeller(), 2, axis=1) if by_labeller else [data.keypoints]
    return [
        mirror_offset.measured(predicted, mirrored, keypoint_schema.to_normalized(each), data.names)
        for each in labels
    ]


def _mean_offsets(offsets):
    """Means by keypoint; nets for different keypoints have one each."""
    names = dict.fromkeys(name for each in offsets for name in each)
    return {
        name: np.mean([each[name] for each in offsets if name in each], axis=0).tolist()
        for name in names
    }
