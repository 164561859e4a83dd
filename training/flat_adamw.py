"""AdamW on one long vector of all weights, which TensorFlow traces three seconds faster."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="facial_keypoints")
class FlatAdamW(keras.optimizers.Optimizer):
    """AdamW with clipped gradients; all weights, one after another, are one vector to it.

    Computes what `keras.optimizers.AdamW(learning_rate, decay, global_clipnorm=clip_norm)` does,
    with biases excluded from weight decay. That one adds some twenty operations to the graph for
    each of a net's weights, so the first step takes three seconds longer; later steps are as fast.

    Per step t, with gradient g, moments m and v, learning rate η and decay λ (0 for biases):

        g ← g · min(1, clip_norm / ‖g‖)
        m ← β₁ m + (1 − β₁) g
        v ← β₂ v + (1 − β₂) g²
        w ← (1 − η λ) w − η √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε)

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.

    Args:
        learning_rate: a float or a schedule.
        decay: λ.
        clip_norm: the longest that the gradient of all weights together may be.
        beta_1: β₁, between 0 and 1.
        beta_2: β₂, between 0 and 1.
        epsilon: ε.
        name: of the optimizer.
        **kwargs: as `keras.optimizers.Optimizer` takes them, such as `use_ema`.
    """

    def __init__(
        self,
        learning_rate=0.001,
        decay=0.004,
        clip_norm=5.0,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        name="flat_adamw",
        **kwargs,
    ):
        super().__init__(learning_rate, name=name, **kwargs)
        self.decay = decay
        self.clip_norm = clip_norm
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._sizes = [int(np.prod(variable.shape)) for variable in variables]
        self._decayed = np.repeat(
            [np.float32("bias" not in variable.name) for variable in variables], self._sizes
        )
        self._momentum, self._velocity = (
            self.add_variable((sum(self._sizes),), name=name) for name in ("momentum", "velocity")
        )

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        """Updates all weights: what Keras calls with the gradients of all that have one.

        Raises:
            ValueError: if a weight has no gradient.
        """
        if len(grads) != len(self._sizes):
            raise ValueError(f"{len(self._sizes) - len(grads)} weights have no gradient.")
        gradient = _joined(grads)
        norm = ops.sqrt(ops.sum(ops.square(gradient)))
        gradient *= self.clip_norm / ops.maximum(norm, self.clip_norm)
        momentum = self._momentum + (gradient - self._momentum) * (1 - self.beta_1)
        velocity = self._velocity + (ops.square(gradient) - self._velocity) * (1 - self.beta_2)
        self._momentum.assign(momentum)
        self._velocity.assign(velocity)

        step = ops.cast(self.iterations + 1, "float32")
        learning_rate = ops.cast(learning_rate, "float32")
        rate = learning_rate * ops.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)
        weights = _joined(trainable_variables)
        weights -= weights * self._decayed * (self.decay * learning_rate)
        weights -= rate * momentum / (ops.sqrt(velocity) + self.epsilon)
        parts = ops.split(weights, np.cumsum(self._sizes)[:-1])
        for variable, part in zip(trainable_variables, parts, strict=True):
            variable.assign(ops.reshape(part, variable.shape))

    def get_config(self):
        config = super().get_config()
        for key in ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue"):
            del config[key]  # the base class's own, which would come on top
        names = ("decay", "clip_norm", "beta_1", "beta_2", "epsilon")
        return config | {name: getattr(self, name) for name in names}


def _joined(tensors):
    return ops.concatenate([ops.reshape(tensor, (-1,)) for tensor in tensors])
