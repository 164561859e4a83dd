import keras
import numpy as np
import pytest

import keypoint_schema
from models import build, find, set_precision, warm_start
from models.heatmap_layers import SoftArgmax, Standardize
from models.heatmap_nets import heatmap


def test_soft_argmax_finds_a_peak_at_its_cells_centre():
    logits = np.full((1, 24, 24, 2), -50, np.float32)
    logits[0, 3, 5, 0] = 50  # row 3, column 5
    logits[0, 10, 20, 1] = logits[0, 10, 22, 1] = 50  # two peaks: the middle
    keypoints = keypoint_schema.to_pixels(keras.ops.convert_to_numpy(SoftArgmax()(logits)))
    # A cell is 4 px wide; the first one's centre is at 1.5 px.
    np.testing.assert_allclose(keypoints, [[[21.5, 13.5], [85.5, 41.5]]], atol=1e-4)


def test_standardize_takes_exposure_away():
    rng = np.random.default_rng(0)
    picture = rng.uniform(0, 120, (1, 96, 96, 1)).astype(np.float32)
    standard = keras.ops.convert_to_numpy(Standardize()(picture))
    assert standard.mean() == pytest.approx(0, abs=1e-4)
    assert standard.std() == pytest.approx(1, abs=0.15)
    brighter = keras.ops.convert_to_numpy(Standardize()(picture + 100))
    np.testing.assert_allclose(brighter, standard, atol=1e-4)
    flat = keras.ops.convert_to_numpy(Standardize()(np.full((1, 96, 96, 1), 9.0)))
    assert np.abs(flat).max() < 1e-3


def test_in_bfloat16_places_and_exposure_are_as_exact():
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (2, 24, 24, 2)).astype(np.float32)
    dim = random.integers(200, 211, (2, 96, 96, 1)).astype(np.uint8)  # of little contrast
    exact, standard = SoftArgmax()(logits), Standardize()(dim)
    set_precision("bfloat16")
    places, mixed = SoftArgmax()(logits), Standardize()(dim)
    assert (places.dtype, mixed.dtype) == ("float32", "bfloat16")
    np.testing.assert_allclose(places, exact, atol=1e-5)
    np.testing.assert_allclose(keras.ops.cast(mixed, "float32"), standard, rtol=2**-8)
    net = heatmap(2, filters=(4, 4), blocks=(1, 1), pyramid_filters=4)
    computed = {layer.name: layer.compute_dtype for layer in net.layers}
    assert (computed["stem1"], computed["output"]) == ("bfloat16", "float32")


def test_sizes_are_in_order_and_small_is_small():
    parameters = [build(f"heatmap_{size}").count_params() for size in "sml"]
    assert parameters == sorted(parameters)
    assert parameters[0] <= 500_000


def test_a_specialist_starts_from_a_generalist():
    generalist, specialist = build("heatmap_s"), build("heatmap_s", num_keypoints=2)
    assert warm_start(specialist, generalist) == ["output"]


def test_recipe_trains_on_every_labelled_row():
    recipe = find("heatmap_m").recipe
    assert (recipe.rows, recipe.augmentation) == ("labelled", "full")
