"""Distillation: a net learns from labels and from the predictions of a trained net, its teacher.

A label is where one person clicked once; a good net's prediction is less random, and there is one
for each unlabelled keypoint, too. The teacher predicts plain pictures; augmentation then moves its
predictions like labels, so training with a teacher takes no longer.

Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; with a teacher of the
student's own size, Furlanello et al., "Born-Again Neural Networks", 2018.
"""

import dataclasses

import numpy as np

import keypoint_schema
import labelling
from data_pipeline import FaceData
from errors import UserError
from trained_nets.trained_net import TrainedNet, flip_averaged

SHARE = 0.5  # weight of the teacher's prediction where there is a label


def distilled(train: FaceData, teacher: TrainedNet) -> FaceData:
    """Moves labels towards the teacher's predictions, and fills in missing labels with them.

    A teacher and a student who both learned from several labellers teach and learn each of them;
    rows of a labeller whom the teacher does not know stay as they are. So do a four-point
    labeller's own keypoints.

    Args:
        train: the student's training rows.
        teacher: predicts each face and its mirror image; the two predictions are averaged.

    Returns:
        The same rows, with all keypoints labelled except those left as they are.

    Raises:
        UserError: as `check`.
    """
    check(teacher, train)
    taught = np.array(train.keypoints)
    has_several_sources = _has_several_sources(train)
    for number, labeller in enumerate(train.labellers):
        rows = train.labelled_by == number
        full = labelling.full(labeller)
        if has_several_sources and full not in teacher.labellers:
            continue
        answering = teacher.as_labeller(full) if full in teacher.labellers else teacher
        answers = flip_averaged(answering).predict_all(train.images[rows])
        answers = answers[:, keypoint_schema.indices(train.names)]
        labels = np.asarray(train.keypoints[rows])
        moved = np.where(np.isnan(labels), answers, (1 - SHARE) * labels + SHARE * answers)
        if labeller != full:
            own = np.isin(train.names, labelling.FOUR_POINTS)
            moved = np.where(own[:, None], labels, moved)
        taught[rows] = moved
    return dataclasses.replace(train, keypoints=taught)


def check(teacher: TrainedNet, train: FaceData):
    """Checks that a teacher predicts all keypoints of its student, and knows one of its labellers.

    Raises:
        UserError: if it does not; the message says what it lacks.
    """
    lacking = [name for name in train.names if name not in teacher.names]
    if lacking:
        raise UserError(
            f"A teacher must predict all keypoints of its student. {teacher.origin} lacks "
            f"{', '.join(lacking)}."
        )
    labellers = dict.fromkeys(map(labelling.full, train.labellers))
    if _has_several_sources(train) and not any(name in teacher.labellers for name in labellers):
        raise UserError(
            f"{teacher.origin} learned from {', '.join(teacher.labellers)} and none of "
            f"{', '.join(labellers)}, so it would teach nothing. A labeller is named after its "
            "data's folder: rename the folder."
        )


def _has_several_sources(train):
    return len(np.unique(train.sources)) > 1
