"""What a training consists of, each part alone: matrix products, forward, step, pipeline, loop."""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

import data_pipeline
import models
from benchmarks import torch_peer
from training import from_recipe

_MATRIX_SIZE = 2048


@dataclasses.dataclass(frozen=True)
class Part:
    """Something to time.

    Attributes:
        call: does the work once.
        work: images, or floating-point operations.
        unit: of the work, with how many of it make one.
    """

    call: Callable[[], object]
    work: float
    unit: tuple[str, float] = ("images/s", 1.0)

    def shown(self, rate):
        """Formats a rate in units of work a second."""
        return f"{rate / self.unit[1]:,.0f} {self.unit[0]}"


def training_parts(net, faces, batches):
    """Builds the parts of training a net as `train.py` does.

    Args:
        net: the zoo entry's name.
        faces: a `FaceData` to train on.
        batches: how many each call trains on.

    Returns:
        `Part`s by name, and the rows to print: (name, name of what it is compared with or None, and
        a factor for the ratio).
    """
    best, _ = models.choose_precision("auto")
    precisions = ["float32", "bfloat16"] if best == "bfloat16" else ["float32"]
    recipe = models.find_recipe(net)
    faces = faces.usable(recipe.rows)
    if len(faces) > recipe.batch_size:
        # Whole batches only: for a smaller one, the step would be traced anew.
        faces = faces.rows(np.arange(len(faces) - len(faces) % recipe.batch_size))
    parts, rows = {}, []
    for precision in precisions:
        product, forward, step = (
            f"{what}, {precision}" for what in ("matrix product", f"{net} forward", "training step")
        )
        models.set_precision(precision)
        training = _Training(net, recipe, faces, batches)
        parts |= {product: _matrix_product(precision)}
        parts |= {forward: training.part(training.forward), step: training.part(training.step)}
        # Shares of the peak: a step is a forward pass and twice as much for the gradients.
        flops = models.count_flops(training.net)
        rows += [(product, None, 1.0), (forward, product, flops), (step, product, 3 * flops)]
    if len(precisions) == 2:
        rows += [
            (f"{what}, bfloat16", f"{what}, float32", 1.0)
            for what in ("matrix product", f"{net} forward", "training step")
        ]
    parts |= {
        "input pipeline": training.part(training.pipeline),
        "training loop": training.part(training.loop),
    }
    rows += [("input pipeline", step, 1.0), ("training loop", step, 1.0)]
    if torch_peer.is_installed() and recipe.heatmap_loss:
        peer = f"PyTorch's {step}"
        parts[peer] = training.part(training.torch_step(precision == "bfloat16"))
        rows.append((peer, step, 1.0))
    return parts, rows


class _Training:
    """A net, compiled as train.py does, and its batches; computes in the precision that is set."""

    def __init__(self, net, recipe, faces, batches):
        self.recipe, self.batches = recipe, batches
        self.net = models.build(net, len(faces.names))
        steps = data_pipeline.steps_per_epoch(faces, recipe.batch_size)
        self._compiled = from_recipe.compiled(self.net, recipe, steps)
        self._iterator = iter(
            data_pipeline.training_batches(
                faces, recipe.batch_size, 0, from_recipe.augmentation(recipe)
            )
        )
        self._batch = next(self._iterator)
        self._forward = tf.function(lambda images: self.net(images, training=False))

    def part(self, call):
        return Part(call, self.batches * len(self._batch[0]))

    def forward(self):
        for _ in range(self.batches):
            self._forward(self._batch[0])

    def step(self):
        for _ in range(self.batches):
            self._compiled.train_on_batch(*self._batch)

    def pipeline(self):
        for _ in itertools.islice(self._iterator, self.batches):
            pass

    def loop(self):
        for batch in itertools.islice(self._iterator, self.batches):
            self._compiled.train_on_batch(*batch)

    def torch_step(self, bfloat16):
        """Returns a function that takes the same step in PyTorch."""
        step = torch_peer.training_step(self.net, self.recipe, *self._batch, bfloat16)
        return lambda: [step() for _ in range(self.batches)]


def _matrix_product(precision):
    """The fastest that the machine computes, with the library that computes the nets."""
    random = np.random.default_rng(0)
    values = random.normal(size=(_MATRIX_SIZE, _MATRIX_SIZE))
    matrix = tf.cast(tf.constant(values, tf.float32), precision)
    return Part(lambda: tf.matmul(matrix, matrix).numpy(), 2.0 * _MATRIX_SIZE**3, ("GFLOP/s", 1e9))
