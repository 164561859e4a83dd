"""Nets that tell how sure they are, and those that cannot."""

import dataclasses

import numpy as np
import pytest

import data_pipeline
import keypoint_schema
from errors import UserError
from tests import run_fixtures, small_data
from trained_nets.loading import load_net
from trained_nets.uncertainty import with_uncertainty


@pytest.fixture(scope="module")
def faces():
    return small_data.faces()[0]


@pytest.mark.parametrize("flip_average", [False, True])
def test_the_keypoints_are_the_same(faces, flip_average):
    plain = load_net("preset:heatmap_s", flip_average).predict(faces)
    told = load_net("preset:heatmap_s", flip_average, uncertainty=True).predict(faces)
    np.testing.assert_allclose(told[..., :2], plain, atol=1e-3)
    assert 0 < told[..., 2].mean() < 10


def test_that_of_a_face_and_its_mirror_image_is_averaged(faces):
    net = with_uncertainty(load_net("preset:heatmap_s"))
    averaged = load_net("preset:heatmap_s", True, uncertainty=True).predict(faces)
    order = keypoint_schema.flip_permutation()
    mirrored = net.predict(np.ascontiguousarray(faces[:, :, ::-1]))[:, order]
    expected = (net.predict(faces)[..., 2] + mirrored[..., 2]) / 2
    np.testing.assert_allclose(averaged[..., 2], expected, atol=1e-3)


def test_a_covered_mouth_is_less_sure():
    images, keypoints = small_data.faces()
    net = with_uncertainty(load_net("preset:heatmap_s"))
    mouth = keypoint_schema.indices([name for name in keypoint_schema.NAMES if "mouth" in name])
    eyes = keypoint_schema.indices([name for name in keypoint_schema.NAMES if "eye_" in name])
    covered = images.copy()
    for image, points in zip(covered, keypoints[:, mouth], strict=True):
        image[int(np.nanmin(points[:, 1])) - 8 :] = 128
    before, after = net.predict(images)[..., 2], net.predict(covered)[..., 2]
    assert after[:, mouth].mean() > before[:, mouth].mean() + 1
    assert after[:, mouth].mean() > after[:, eyes].mean() + 1


def test_other_nets_cannot(small_folder, tmp_path):
    data = data_pipeline.load_faces(small_folder)
    run = run_fixtures.write_run(tmp_path / "net", data)
    with pytest.raises(UserError, match="net cannot tell how sure it is"):
        load_net(run, uncertainty=True)
    net = load_net("preset:heatmap_s")
    exported = dataclasses.replace(net, model=None, config=None)
    without_gaussians = dataclasses.replace(net, config={"recipe": {"heatmap_loss": 0.0}})
    for other in (exported, without_gaussians):
        with pytest.raises(UserError, match="a preset"):
            with_uncertainty(other)
