"""PyTorch's heatmap net is the Keras one: same answers, same loss, and it learns."""

import keras
import numpy as np
import pytest

import keypoint_schema
import models
from benchmarks import torch_peer
from data_pipeline import synthetic_faces
from training import from_recipe

torch = pytest.importorskip("torch")


def test_answers_and_loss_are_those_of_keras():
    images, keypoints = synthetic_faces.draw_faces(8, seed=1)
    keypoints = keypoint_schema.to_normalized(synthetic_faces.hide_labels(keypoints, seed=1))
    keras.utils.set_random_seed(1)
    net, recipe = models.build("heatmap_s"), models.find_recipe("heatmap_s")
    pictures = torch.from_numpy(images.astype(np.float32).transpose(0, 3, 1, 2))
    with torch.no_grad():
        answers, _ = torch_peer.TorchNet(net)(pictures)
    np.testing.assert_allclose(answers, net(images), atol=1e-5)
    step = torch_peer.training_step(net, recipe, images, keypoints, bfloat16=False)
    losses = [step() for _ in range(5)]
    expected, *_ = from_recipe.compiled(net, recipe, steps=1).train_on_batch(images, keypoints)
    assert losses[0] == pytest.approx(expected, rel=1e-4)
    assert min(losses) < losses[0]
