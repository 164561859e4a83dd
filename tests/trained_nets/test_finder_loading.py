"""The finder that predict.py's options ask for."""

import numpy as np

from trained_nets.finder_loading import FinderLoading
from trained_nets.loading import load_net
from trained_nets.uncertainty import to_answer


def test_it_answers_as_it_is_asked_to():
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 1)).astype(np.uint8)
    finder = FinderLoading("preset:heatmap_s", True, "faces", detect=False, min_confidence=None)()
    expected = load_net("preset:heatmap_s", flip_average=True, labels_of="faces")
    np.testing.assert_allclose(finder.net.predict(images), expected.predict(images), atol=1e-3)
    assert (finder.settings["flip_average"], finder.settings["labels_of"]) == (True, "faces")
    assert finder.settings["uncertainty"] is False
    assert finder.detector is None


def test_it_tells_how_uncertain_it_is_if_asked_to():
    images = np.random.default_rng(0).integers(0, 256, (2, 96, 96, 1)).astype(np.uint8)
    finder = FinderLoading("preset:heatmap_s", True, None, False, None, uncertainty=True)()
    expected = to_answer(load_net("preset:heatmap_s"), True, True)
    np.testing.assert_allclose(finder.net.predict(images), expected.predict(images), atol=1e-3)
    assert finder.settings["uncertainty"] is True
