"""Distillation: a net learns from labels and from the predictions of a trained net, its teacher.

A label is where one person clicked once; a good net's prediction is less random, and there is one
for each unlabelled keypoint, too. The teacher predicts plain pictures; augmentation then moves its
predictions like labels, so training with a teacher takes no longer.

Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; with a teacher of the
student's own size, Furlanello et al., "Born-Again Neural Networks", 2018.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

import keypoint_schema
from data_pipeline import FaceData
from errors import UserError
from trained_nets.trained_net import TrainedNet, flip_averaged

SHARE = 0.5  # weight of the teacher's prediction where there is a label


def distilled(train: FaceData, teacher: TrainedNet, keep_four_point: bool = False) -> FaceData:
    """Moves labels towards the teacher's predictions, and fills in missing labels with them.

    Args:
        train: the student's training rows.
        teacher: predicts each face and its mirror image; the two predictions are averaged.
        keep_four_point: leave the four-point labeller's keypoints in its rows as they are, labelled
            or not, for a student that learns where that labeller puts them.

    Returns:
        The same rows, with all keypoints labelled except those left as they are.

    Raises:
        UserError: as `check`.
    """
    check(teacher, train.names)
    answers = flip_averaged(teacher).predict_all(train.images)
    answers = answers[:, keypoint_schema.indices(train.names)]
    labels = train.keypoints
    taught = np.where(np.isnan(labels), answers, (1 - SHARE) * labels + SHARE * answers)
    if keep_four_point:
        taught = np.where(train.by_four_point_labeller[..., None], labels, taught)
    return dataclasses.replace(train, keypoints=taught.astype(np.float32))


def check(teacher: TrainedNet, names: Sequence[str]):
    """Checks that a teacher predicts all keypoints of its student, `names`.

    Raises:
        UserError: if it does not; the message names those that it lacks.
    """
    lacking = [name for name in names if name not in teacher.names]
    if lacking:
        raise UserError(
            f"A teacher must predict all keypoints of its student. {teacher.origin} lacks "
            f"{', '.join(lacking)}."
        )
