"""What `config.json` says of a finished training."""

from collections.abc import Sequence

import keras
import numpy as np

import keypoint_schema
from data_pipeline import FaceData
from evaluation import labeller_offset, metrics


def results(
    model: keras.Model,
    train: FaceData,
    valid: FaceData,
    source_aware: bool,
    best_epoch: int,
    seconds: Sequence[float],
) -> dict:
    """Errors and offsets of a trained net.

    Args:
        model: with its best weights.
        train: the training rows.
        valid: the validation rows; none if nothing was held out.
        source_aware: whether the net's recipe is.
        best_epoch: counted from 0.
        seconds: of each epoch.
    """
    answers = _predict(model, train.images)
    mirror = _mirrors(train, answers, _predict_mirrored(model, train.images), source_aware)[0]
    predicted = keypoint_schema.to_pixels(answers)
    offset = None
    if source_aware:
        partial_labels = train.by_source()[:, len(train.names) :]
        offset = labeller_offset.measure(predicted, partial_labels, train.names)
        predicted = labeller_offset.add(predicted, train.partial, train.names, offset)
    found = {
        "epochs_run": len(seconds),
        "seconds": round(sum(seconds), 1),
        "best_epoch": best_epoch + 1,
        "train_loss": metrics.loss(predicted, train.keypoints),
        "mirror_offset_px": mirror.offset_px(train.names),
    }
    if offset is not None:
        found["partial_offset_px"] = offset
    if not len(valid):
        return found
    predicted = keypoint_schema.to_pixels(_predict(model, valid.images))
    return found | validation_results(predicted, valid, offset)


def validation_results(
    predicted: np.ndarray, valid: FaceData, partial_offset_px: dict | None = None
) -> dict:
    """What `config.json` says of faces that were not trained on.

    Args:
        predicted: `(N, K, 2)` px, the answers of the net that is kept.
        valid: N faces with any label.
        partial_offset_px: a source-aware net's, which is added in rows of the partial source.
    """
    predicted = labeller_offset.add(predicted, valid.partial, valid.names, partial_offset_px)
    labels = valid.keypoints
    return {
        "valid_loss": metrics.loss(predicted, labels),
        "valid_rmse_px": metrics.rmse_px(predicted, labels).value(),
        "valid_rmse_px_per_keypoint": {  # those with labels among the rows
            name: metrics.rmse_px(predicted[:, [k]], labels[:, [k]]).value()
            for k, name in enumerate(valid.names)
            if np.isfinite(labels[:, k]).any()
        },
        "valid_labels": int(np.isfinite(labels).sum()),
    }


def measure_mirrors(
    model: keras.Model, data: FaceData, by_source: bool = False
) -> list[keypoint_schema.Mirror]:
    """How the labels of these faces behave under mirroring, as far as the net can tell.

    Returns:
        One mirror; or with `by_source`, that of the complete source's labels and that of the
        partial source's. A labeller's offset shows whichever way the net itself answers.

    Raises:
        ValueError: if the mirror of a keypoint is not among the data's.
    """
    answers = _predict(model, data.images), _predict_mirrored(model, data.images)
    return _mirrors(data, *answers, by_source)


def _mirrors(data, predicted, mirrored, by_source):
    labels = np.split(data.by_source(), 2, axis=1) if by_source else [data.keypoints]
    return [
        keypoint_schema.Mirror.of(data.names).measured(
            predicted, mirrored, keypoint_schema.to_normalized(each)
        )
        for each in labels
    ]


def _predict(model, images):
    return model.predict(images, batch_size=256, verbose=0)


def _predict_mirrored(model, images):
    return _predict(model, images[:, :, ::-1])
