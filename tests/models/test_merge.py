import keras
import numpy as np
import pytest

import keypoint_schema
from models import build, merge_specialists


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
