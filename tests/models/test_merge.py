import hypothesis
import keras
import numpy as np
import pytest
from hypothesis import strategies

import keypoint_schema
from models import average, build, merge_specialists
from tests.run_fixtures import mean_net


@pytest.fixture(scope="module")
def nets():
    keras.utils.set_random_seed(0)
    return {
        specialist.name: build("net1", len(specialist.keypoints), specialist.name)
        for specialist in keypoint_schema.SPECIALISTS
    }


def faces(count):
    return np.random.default_rng(0).integers(0, 256, (count, 96, 96, 1)).astype(np.uint8)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_each_specialist_answers_in_the_schemas_order(nets, batch_size, tmp_path):
    merged = merge_specialists(nets)
    merged.save(tmp_path / "merged.keras")
    reloaded = keras.models.load_model(tmp_path / "merged.keras")
    images = faces(batch_size)
    for model in (merged, reloaded):
        keypoints = model.predict(images, verbose=0)
        assert keypoints.shape == (batch_size, 15, 2)
        for specialist in keypoint_schema.SPECIALISTS:
            expected = nets[specialist.name].predict(images, verbose=0)
            own = keypoints[:, keypoint_schema.indices(specialist.keypoints)]
            np.testing.assert_allclose(own, expected, atol=1e-6)


def test_a_missing_specialist_is_refused(nets):
    with pytest.raises(ValueError, match="nose_tip"):
        merge_specialists({name: net for name, net in nets.items() if name != "nose_tip"})


@hypothesis.settings(max_examples=4)
@hypothesis.given(strategies.integers(0, 1000))
def test_merged_specialists_answer_as_each_alone(seed):
    rng = np.random.default_rng(seed)
    nets = {
        each.name: mean_net(
            rng.uniform(0, 95, (len(each.keypoints), 2)), each.name, brightness=rng.uniform(-1, 1)
        )
        for each in keypoint_schema.SPECIALISTS
    }
    images = rng.integers(0, 256, (3, 96, 96, 1)).astype(np.uint8)
    merged = keras.ops.convert_to_numpy(merge_specialists(nets)(images))
    for each in keypoint_schema.SPECIALISTS:
        own = keras.ops.convert_to_numpy(nets[each.name](images))
        merged_own = merged[:, keypoint_schema.indices(each.keypoints)]
        np.testing.assert_allclose(merged_own, own, atol=1e-6)


def test_an_ensemble_needs_nets_under_their_own_names(nets):
    for wrong in ({}, {"other": nets["nose_tip"]}):
        with pytest.raises(ValueError, match="nets keyed by their names"):
            average(wrong)
