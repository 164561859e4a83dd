"""Distillation: a net learns from labels and from what a trained net, its teacher, says of them.

A label is where one person clicked once; a good net's answer has less chance in it, and it has one
for each keypoint that nobody labelled. Answers are those for the plain pictures, so that they move
with every augmentation as labels do, and teaching costs no time.

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

SHARE = 0.5  # of the teacher's answer in what is learned where there is a label


def distilled(train: FaceData, teacher: TrainedNet, keep_four_point: bool = False) -> FaceData:
    """Moves labels towards the teacher's answers, and fills in missing ones with them.

    Args:
        train: the student's training rows.
        teacher: is asked about each face and its mirror image, for the mean of both answers.
        keep_four_point: leave the four-point labeller's keypoints in its rows as they are, labelled
            or not, for a student that learns where that labeller puts them.

    Returns:
        The same rows, all keypoints labelled but those left as they are.

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
    """Refuses a teacher that does not predict all these keypoints, its student's.

    Raises:
        UserError: naming those that it lacks.
    """
    lacking = [name for name in names if name not in teacher.names]
    if lacking:
        raise UserError(
            f"A teacher must predict all keypoints of its student. {teacher.origin} lacks "
            f"{', '.join(lacking)}."
        )
