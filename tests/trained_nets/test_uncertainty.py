"""Nets that tell how uncertain they are, and those that cannot."""

import dataclasses

import numpy as np
import pytest

import data_pipeline
import keypoint_schema
from errors import UserError
from tests import run_fixtures, small_data
from trained_nets.loading import load_net
from trained_nets.uncertainty import to_answer


@pytest.fixture(scope="module")
def faces():
    return small_data.faces()[0]


@pytest.fixture(scope="module")
def net():
    return load_net("preset:heatmap_s")


@pytest.mark.parametrize("flip_average", [False, True])
def test_the_keypoints_are_the_same(net, faces, flip_average):
    answering = to_answer(net, flip_average, True)
    plain = to_answer(net, flip_average, False).predict(faces)
    np.testing.assert_allclose(answering.predict(faces)[..., :2], plain, atol=1e-3)
    assert answering.names == net.names


def test_of_two_answers_for_a_face_either_is_possible(net, faces):
    uncertain = to_answer(net, False, True)
    straight = uncertain.predict(faces)
    mirrored = uncertain.predict(np.ascontiguousarray(faces[:, :, ::-1]))
    mirrored = mirrored[:, keypoint_schema.flip_permutation()]
    mirrored[..., 0] = 95 - mirrored[..., 0]
    averaged = to_answer(net, "symmetric", True).predict(faces)
    np.testing.assert_allclose(averaged[..., :2], (straight + mirrored)[..., :2] / 2, atol=1e-3)
    # As many places around the one as around the other; of each, the mean square distance from the
    # mean of both.
    squares = [
        each[..., 2] ** 2 + np.square(each[..., :2] - averaged[..., :2]).sum(-1)
        for each in (straight, mirrored)
    ]
    np.testing.assert_allclose(averaged[..., 2] ** 2, np.mean(squares, axis=0), atol=0.01)


def test_a_net_is_less_sure_of_a_covered_mouth(net):
    images, keypoints = small_data.faces()
    uncertain = to_answer(net, False, True)
    mouth = keypoint_schema.indices([name for name in keypoint_schema.NAMES if "mouth" in name])
    eyes = keypoint_schema.indices([name for name in keypoint_schema.NAMES if "eye_" in name])
    covered = images.copy()
    for image, points in zip(covered, keypoints[:, mouth], strict=True):
        image[int(np.nanmin(points[:, 1])) - 8 :] = 128
    before, after = (uncertain.predict(each)[..., 2] for each in (images, covered))
    assert after[:, mouth].mean() > before[:, mouth].mean() + 1
    assert after[:, mouth].mean() > after[:, eyes].mean() + 1


def test_other_nets_cannot(net, small_folder, tmp_path):
    data = data_pipeline.load_faces(small_folder)
    run = run_fixtures.write_run(tmp_path / "net", data)
    exported = dataclasses.replace(net, model=None, config=None)
    without_gaussians = dataclasses.replace(net, config={"recipe": {"heatmap_loss": 0.0}})
    for other in (load_net(run), exported, without_gaussians):
        with pytest.raises(UserError, match="cannot tell how uncertain it is"):
            to_answer(other, False, True)
