"""Answers Kaggle's lookup table for the test faces with a net."""

import os

import atomic_write
import data_pipeline
from evaluation import submission
from trained_nets.loading import load_net
from trained_nets.predictions import four_point_predictions


def submit(
    origin: str | os.PathLike,
    data: str | None,
    file: str | os.PathLike,
    flip_average: bool | str = False,
    labels_of: str | None = None,
) -> None:
    """Writes a submission, and prints how many locations it has.

    Args:
        origin, flip_average, labels_of: as for `load_net`.
        data: as for `data_pipeline.load_test`.
        file: where it goes.

    Raises:
        UserError: if the data or the net cannot be loaded, or the file cannot be written.
    """
    atomic_write.require_writable(file)
    images, image_ids = data_pipeline.load_test(data)
    lookup = data_pipeline.load_lookup(data, image_ids)
    net = load_net(origin, flip_average, labels_of)
    four_points = four_point_predictions(net, images, flip_average)
    answers = submission.Answers(image_ids, net.predict(images), net.names, four_points)
    submission.write_submission(file, lookup, answers)
