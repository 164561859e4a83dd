"""The results of a training, as `config.json` records them."""

import dataclasses
from collections.abc import Mapping, Sequence

import keras
import numpy as np

import keypoint_schema
import labelling
import models
from data_pipeline import FaceData
from evaluation.mirror_offset import MirrorOffset
from training.error_sums import ErrorSums


@dataclasses.dataclass(frozen=True)
class Validation:
    """Errors on faces that were not trained on.

    Attributes:
        rmse_px: over all labels.
        rmse_px_per_keypoint: by name, for keypoints labelled on any of these faces; empty if
            training was interrupted.
        labels: how many coordinates are labelled.
        per_labeller: if there are several, `rmse_px` and `labels` of each, by name.
    """

    rmse_px: float
    rmse_px_per_keypoint: Mapping[str, float]
    labels: int
    per_labeller: Mapping[str, Mapping[str, float]] = dataclasses.field(default_factory=dict)

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
            "valid_per_labeller": dict(self.per_labeller),
        }

    @classmethod
    def from_json(cls, values: dict) -> "Validation":
        """Reads what `as_json` returned."""
        per_keypoint = values["valid_rmse_px_per_keypoint"]
        per_labeller = values.get("valid_per_labeller") or {}
        return cls(values["valid_rmse_px"], per_keypoint, values["valid_labels"], per_labeller)


@dataclasses.dataclass(frozen=True)
class Results:
    """How a training ended.

    Attributes:
        epochs_run: how many were trained.
        seconds: how long they took together.
        finished: whether it ended by itself, without being interrupted.
        best_epoch: the one whose weights were kept, from 1; None for several nets together.
        train_loss: of the kept weights, without dropout; None for several nets together, or if
            training was interrupted.
        mirror_offset_px: by labeller, as `keypoint_schema.Mirror.of` takes it, measured on
            validation rows, or on training rows if nothing was held out; if training was
            interrupted, what its flips last used, or empty.
        validation: None if nothing was held out.
        out_of_fold: of an ensemble's nets, each on the faces that it left out; otherwise None.
    """

    epochs_run: int
    seconds: float
    finished: bool
    best_epoch: int | None = None
    train_loss: float | None = None
    mirror_offset_px: dict = dataclasses.field(default_factory=dict)
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
    rows: Sequence[Mapping[str, str]],
    train: FaceData,
    valid: FaceData,
    best_epoch: int,
    finished: bool,
) -> Results:
    """Measures errors and offsets of a trained net.

    Args:
        model: with its best weights; it predicts the keypoints of all labellers.
        rows: of its history.
        train: the training rows.
        valid: the validation rows; none if nothing was held out.
        best_epoch: counted from 0.
        finished: whether training ended as it should, without diverging.
    """
    # On rows whose labels a net has memorized, it only confirms the offset it was trained with.
    has_valid = len(valid) > 0
    train_errors, mirror = _measured(model, train, with_mirror=not has_valid)
    valid_errors = None
    if has_valid:
        valid_errors, mirror = _measured(model, valid, with_mirror=True)
    return Results(
        epochs_run=len(rows),
        seconds=_sum_of_seconds(rows),
        finished=finished,
        best_epoch=best_epoch + 1,
        train_loss=train_errors.loss(),
        mirror_offset_px=_by_labeller(mirror, train),
        validation=valid_errors and _validation(valid_errors, valid),
    )


def interrupted_results(
    rows: Sequence[Mapping[str, str]],
    train: FaceData,
    valid: FaceData,
    best_epoch: int,
    offset: np.ndarray | None,
) -> Results:
    """Gathers what is known when Ctrl-C stops a training: nobody waits for predictions then.

    Args:
        rows: of its history.
        train: the training rows.
        valid: the validation rows; none if nothing was held out.
        best_epoch: counted from 0.
        offset: of the mirror, as it was last measured for flips; None if it was not.
    """
    mirror = keypoint_schema.Mirror.of(train.names).repeated(len(train.labellers))
    validation = None
    if len(valid):
        labels = sum(int(np.isfinite(piece.keypoints).sum()) for piece in valid.pieces())
        validation = Validation(float(rows[best_epoch]["valid_rmse_px"]), {}, labels)
    return Results(
        epochs_run=len(rows),
        seconds=_sum_of_seconds(rows),
        finished=False,
        best_epoch=best_epoch + 1,
        mirror_offset_px={}
        if offset is None
        else _by_labeller(dataclasses.replace(mirror, offset=offset), train),
        validation=validation,
    )


def _sum_of_seconds(rows):
    return round(sum(float(row["seconds"]) for row in rows), 1)


def _by_labeller(mirror, train):
    """Returns each labeller's offsets of a mirror of all labellers' keypoints."""
    return {
        labeller: mirror.at(labelling.positions(train.labellers, labeller, train.names)).offset_px(
            train.names
        )
        for labeller in train.labellers
    }


def validate(predicted: np.ndarray, valid: FaceData) -> Validation | None:
    """Compares predictions with the labels of faces that were not trained on.

    Args:
        predicted: `(N, K, 2)` px, the predictions of the net that is kept, as each row's labeller
            puts the keypoints.
        valid: N faces.

    Returns:
        The errors; None if there are no faces.
    """
    if not len(valid):
        return None
    errors, first = ErrorSums(valid), 0
    for piece in valid.pieces():
        errors.add(predicted[first : first + len(piece)], piece)
        first += len(piece)
    return _validation(errors, valid)


def _validation(errors, valid):
    labelled = errors.labels.any(0)
    return Validation(
        rmse_px=errors.rmse_px(),
        rmse_px_per_keypoint={
            name: errors.rmse_px(np.s_[:, k]) for k, name in enumerate(valid.names) if labelled[k]
        },
        labels=int(errors.labels.sum()),
        per_labeller=_per_labeller(errors, valid) if len(valid.labellers) > 1 else {},
    )


def _per_labeller(errors, valid):
    return {
        labeller: {"rmse_px": errors.rmse_px(number), "labels": int(errors.labels[number].sum())}
        for number, labeller in enumerate(valid.labellers)
        if errors.labels[number].any()
    }


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
        mirror_offset_px={
            labeller: _mean_offsets([part.mirror_offset_px.get(labeller, {}) for part in parts])
            for labeller in dict.fromkeys(each for part in parts for each in part.mirror_offset_px)
        },
    )


def pool_validation(parts: Sequence[Validation]) -> Validation:
    """Combines the errors of nets for different keypoints, over all labels."""
    rmse_px, labels = _pooled([(part.rmse_px, part.labels) for part in parts])
    found = {k: v for part in parts for k, v in part.rmse_px_per_keypoint.items()}
    per_keypoint = {name: found[name] for name in keypoint_schema.NAMES if name in found}
    per_labeller = {}
    for name in dict.fromkeys(name for part in parts for name in part.per_labeller):
        each = [part.per_labeller[name] for part in parts if name in part.per_labeller]
        pooled = _pooled([(one["rmse_px"], one["labels"]) for one in each])
        per_labeller[name] = dict(zip(("rmse_px", "labels"), pooled, strict=True))
    return Validation(rmse_px, per_keypoint, labels, per_labeller)


def _pooled(errors):
    """Pools pairs of RMSE and number of labels."""
    labels = sum(number for _, number in errors)
    squares = sum(rmse_px**2 * number for rmse_px, number in errors)
    return float(np.sqrt(squares / labels)), labels


def measure_mirror(model: keras.Model, data: FaceData) -> keypoint_schema.Mirror:
    """Estimates from a net's predictions how the labels of these faces behave under mirroring.

    Returns:
        The mirror of the keypoints of all labellers. The offset that the net itself has learned
        does not matter.

    Raises:
        ValueError: if the mirror of a keypoint is not among the data's.
    """
    _, mirror = _measured(model, data, with_mirror=True)
    return mirror


def _measured(model, data, with_mirror):
    """Measures errors and, if wanted, the mirror, piece by piece, as there may be many faces."""
    errors = ErrorSums(data)
    symmetric = keypoint_schema.Mirror.of(data.names).repeated(len(data.labellers))
    offset = MirrorOffset(symmetric) if with_mirror else None
    for piece in data.pieces():
        answers = models.predict_normalized(model, piece.images)
        errors.add(piece.as_labelled(keypoint_schema.to_pixels(answers)), piece)
        if offset is not None:
            mirrored = models.predict_normalized(model, piece.images, mirrored=True)
            offset.add(answers, mirrored, keypoint_schema.to_normalized(piece.by_labeller()))
    return errors, offset and offset.mirror()


def _mean_offsets(offsets):
    """Averages offsets by keypoint, over the nets that have them."""
    names = dict.fromkeys(name for each in offsets for name in each)
    return {
        name: np.mean([each[name] for each in offsets if name in each], axis=0).tolist()
        for name in names
    }
