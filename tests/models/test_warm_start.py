import numpy as np
import pytest

from errors import UserError
from models import build, warm_start


def test_everything_but_the_output_layer_is_copied():
    source, model = build("net1"), build("net1", num_keypoints=2)
    output = model.get_layer("output").get_weights()
    assert warm_start(model, source) == ["output"]
    for kept, expected in zip(model.get_layer("output").get_weights(), output, strict=True):
        np.testing.assert_array_equal(kept, expected)
    for copied, expected in zip(
        model.get_layer("hidden").get_weights(),
        source.get_layer("hidden").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(copied, expected)


def test_of_a_net_with_the_same_keypoints_the_output_layer_is_copied_too():
    source, model = build("net1"), build("net1")
    assert warm_start(model, source, same_keypoints=True) == []
    for copied, expected in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(copied, expected)


def test_another_layout_is_refused_and_nothing_copied():
    source, model = (build("net2", settings={"hidden_units": units}) for units in (20, 30))
    before = [weight.copy() for weight in model.get_weights()]
    with pytest.raises(UserError, match=r"'hidden4'.*\(15488, 30\).*\(15488, 20\)"):
        warm_start(model, source)
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_missing_layer_is_named():
    with pytest.raises(UserError, match="'conv1'.*no such layer"):
        warm_start(build("net2"), build("net1"))
