"""The offset of labels that are not mirror-symmetric, found again in a net's answers."""

import numpy as np
import pytest

from evaluation.mirror_offset import MirrorOffset
from keypoint_schema import Mirror
from tests.test_mirror import reflected, some_keypoints

NAMES = ("left_eye_center", "right_eye_center", "nose_tip")
OFFSET = np.array([[1.0, 0.5], [1.0, -0.5], [2.0, 0.0]], np.float32) / 48


def measured(pieces):
    offset = MirrorOffset(Mirror.of(NAMES))
    for piece in pieces:
        offset.add(*piece)
    return offset.mirror()


@pytest.mark.parametrize("has_learned", [False, True])
def test_a_known_offset_is_found_again(has_learned):
    symmetric = some_keypoints()
    labels = symmetric + OFFSET
    labels[::3, 0] = np.nan
    labels[1::3, 2, 0] = np.nan
    # Trained on such labels and their mirror images, a net puts the offset onto both alike.
    learned = OFFSET if has_learned else 0
    arrays = symmetric + learned, reflected(symmetric) + learned, labels
    found = measured([array[rows] for array in arrays] for rows in (slice(5), slice(5, None)))
    np.testing.assert_allclose(found.offset, OFFSET, atol=1e-6)
    np.testing.assert_array_equal(found.permutation, [1, 0, 2])


def test_what_a_mirror_keeps_is_no_offset():
    symmetric = some_keypoints()
    # Labels that are lower than the net says, and eyes that are farther apart.
    labels = symmetric + np.array([[0.02, 0.01], [-0.02, 0.01], [0, 0.03]], np.float32)
    found = measured([(symmetric, reflected(symmetric), labels)])
    np.testing.assert_allclose(found.offset, 0, atol=1e-6)


def test_a_keypoint_without_labels_takes_part_as_if_without_error():
    symmetric = some_keypoints()
    labels = np.full_like(symmetric, np.nan)
    labels[:, 0] = symmetric[:, 0] + [0.04, 0]
    found = measured([(symmetric, reflected(symmetric), labels)])
    np.testing.assert_allclose(found.offset, [[0.02, 0], [0.02, 0], [0, 0]], atol=1e-6)
