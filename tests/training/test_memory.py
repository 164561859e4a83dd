"""What a training leaves in memory."""

import numpy as np
import pytest
from tensorflow.python.framework import ops

import models
from training import from_recipe


@pytest.mark.parametrize("net", ["net7", "heatmap_s"])  # Nesterov; AdamW with averaged weights
def test_a_training_registers_no_gradient(narrow_zoo, net):
    """TensorFlow never forgets one, nor the graph and the variables that it belongs to."""
    model = models.build(net)
    compiled = from_recipe.compiled(model, models.find_recipe(net, None), 1)
    images, labels = np.zeros((2, 96, 96, 1), np.uint8), np.zeros((2, 15, 2), np.float32)
    before = set(ops.gradient_registry._registry)
    compiled.fit(images, labels, verbose=0)
    assert set(ops.gradient_registry._registry) == before
