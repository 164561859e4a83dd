"""Distillation: a net learns from labels and from what a trained net, its teacher, says of them.

A label is where one person clicked once; a good net's answer has less chance in it, and it has one
for each keypoint that nobody labelled. Answers are those for the plain pictures, so that they move
with every augmentation as labels do, and teaching costs no time.

Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; with a teacher of the
student's own size, Furlanello et al., "Born-Again Neural Networks", 2018.
"""

import dataclasses

import numpy as np

import keypoint_schema
from data_pipeline import FaceData
from errors import UserError
from predictor import Predictor, flip_averaged

SHARE = 0.5  # of the teacher's answer in what is learned where there is a label


def distilled(train: FaceData, teacher: Predictor, keep_partial: bool = False) -> FaceData:
    """Moves labels towards the teacher's answers, and fills in missing ones with them.

    Args:
        train: the student's training rows.
        teacher: is asked about each face and its mirror image, for the mean of both answers.
        keep_partial: leave labels of rows of the partial source as they are, for a student that
            learns where that labeller puts them.

    Returns:
        The same rows, all keypoints labelled.

    Raises:
        UserError: if the teacher does not predict all of the student's keypoints.
    """
    lacking = [name for name in train.names if name not in teacher.names]
    if lacking:
        raise UserError(
            f"A teacher must predict all keypoints of its student. {teacher.source} lacks "
            f"{', '.join(lacking)}."
        )
    answers = flip_averaged(teacher).predict_all(train.images)
    answers = answers[:, keypoint_schema.indices(train.names)]
    labels = train.keypoints
    shares = np.where(np.isnan(labels), 1.0, SHARE)
    if keep_partial:
        shares = np.where(np.isfinite(labels) & train.partial[:, None, None], 0.0, shares)
    taught = (1 - shares) * np.nan_to_num(labels) + shares * answers
    return dataclasses.replace(train, keypoints=taught.astype(np.float32))
