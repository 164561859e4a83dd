"""What the graph answers where a net alone fails or misleads, with a preset that people serve."""

import numpy as np
import pytest

from exporting import open_saved_model, write_saved_model
from exporting.signatures import SIGNATURES
from tests.export_stand_in import colour_picture, encode, faces
from trained_nets import preset_store


@pytest.fixture(scope="module")
def net():
    return preset_store.load_preset("heatmap_s")


@pytest.fixture(scope="module")
def saved(net, tmp_path_factory):
    folder = tmp_path_factory.mktemp("guards") / "heatmap_s"
    write_saved_model(net.model, net.names, folder)
    with open_saved_model(folder) as saved:
        yield saved


def requests(batch):
    """Inputs of each signature, by its name."""
    gray = {"images": faces(batch).astype(np.float32)}
    files = [encode(colour_picture(40, 30, seed), "PNG") for seed in range(batch)]
    return {
        "serving_default": gray,
        "serve_uint8": {"images": faces(batch)},
        "serve_bytes": {"image_bytes": np.array(files, object)},
        "serve_named": gray,
    }


@pytest.mark.parametrize("signature", SIGNATURES)
def test_empty_batch_gets_an_empty_answer(signature, saved, net):
    answer = saved.run(signature, **requests(0)[signature])
    if signature == "serve_named":
        assert {name: value.shape for name, value in answer.items()} == dict.fromkeys(
            net.names, (0, 2)
        )
    else:
        assert answer["keypoints"].shape == (0, len(net.names), 2)


def test_guards_change_no_bit_of_an_answer(saved, net, tmp_path):
    write_saved_model(net.model, net.names, tmp_path / "plain", guarded=False)
    with open_saved_model(tmp_path / "plain") as plain:
        for batch in (1, 5):
            for signature, inputs in requests(batch).items():
                answer, expected = (each.run(signature, **inputs) for each in (saved, plain))
                for name, value in expected.items():
                    np.testing.assert_array_equal(answer[name], value)


@pytest.mark.parametrize("signature", ["serving_default", "serve_named"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_face_with_a_pixel_that_is_not_finite_gets_nan_and_its_neighbours_their_answers(
    signature, value, saved
):
    images = faces(3).astype(np.float32)
    expected = saved.run(signature, images=images)
    images[1, 95, 0] = value
    for name, keypoints in saved.run(signature, images=images).items():
        assert np.isnan(keypoints[1]).all()
        np.testing.assert_array_equal(keypoints[[0, 2]], expected[name][[0, 2]])
