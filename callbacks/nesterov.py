"""Nesterov SGD whose momentum can change while it trains."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="facial_keypoints")
class NesterovSGD(keras.optimizers.SGD):
    """SGD with Nesterov momentum kept in a variable.

    `keras.optimizers.SGD` bakes its momentum into the compiled step as a Python float, so
    assigning it later has no effect. Here the step reads `momentum_variable`, which a
    callback may assign between steps. With constant momentum the weights equal those of
    `SGD(learning_rate, momentum, nesterov=True)` bit for bit.

    Per step, with gradient g, velocity v, learning rate η and momentum μ:

        v ← μ v − η g
        w ← w + μ v − η g

    Source: the update rule of Lasagne's `nesterov_momentum`, which the tutorial trains with;
    Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """

    def __init__(self, learning_rate=0.01, momentum=0.9, name="nesterov_sgd", **kwargs):
        kwargs.pop("nesterov", None)  # from SGD's config
        super().__init__(learning_rate, momentum=momentum, nesterov=True, name=name, **kwargs)
        self.momentum_variable = self.add_variable(
            (), initializer=keras.initializers.Constant(momentum), name="momentum"
        )

    def build(self, variables):
        if self.built:
            return
        # The base class makes no velocities if momentum is 0, which a schedule may start from.
        initial, self.momentum = self.momentum, 1.0
        super().build(variables)
        self.momentum = initial

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = ops.cast(learning_rate, variable.dtype)
        momentum = ops.cast(self.momentum_variable, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        velocity = self.momentums[self._get_variable_index(variable)]
        new_velocity = velocity * momentum - gradient * learning_rate
        self.assign(velocity, new_velocity)
        self.assign_add(variable, new_velocity * momentum - gradient * learning_rate)
