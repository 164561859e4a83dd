"""Turns a recipe into a compiled model, schedules and augmentation."""

import keras

import callbacks
import data_pipeline
import models
from errors import UserError
from training.flat_adamw import FlatAdamW

_LOSSES = {
    "mse": models.MaskedMeanSquaredError,
    "huber": models.MaskedHuber,
    "laplace": models.MaskedHuber,  # for validation
}


def compiled(
    model: keras.Model, recipe: models.Recipe, steps: int, filled_up: bool = False
) -> keras.Model:
    """Compiles the model to call `fit` on, which shares all layers with the net.

    Args:
        model: a net of the zoo.
        recipe: how it is trained.
        steps: batches per epoch.
        filled_up: whether batches may be, so that the loss to judge by is `loss_of_faces`.

    Raises:
        UserError: if the recipe needs heatmaps and the net has none.
    """
    model = with_training_outputs(model, recipe)
    optimizer = _optimizer(recipe, steps)
    optimizer.build(model.trainable_variables)
    loss = _LOSSES[recipe.loss]()
    metrics = [models.LabelledMeanSquaredError(), models.RootMeanSquaredErrorPixels()]
    model.compile(
        optimizer,
        loss=loss,
        metrics=metrics + [models.LossOfFaces(loss)] * filled_up,
        # XLA makes these convolutions five times slower on CPUs under TensorFlow.
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def with_training_outputs(model: keras.Model, recipe: models.Recipe) -> keras.Model:
    """Adds the outputs that only the recipe's loss needs; if there are none, returns the same.

    Raises:
        UserError: if the recipe needs heatmaps and the net has none.
    """
    likelihood = recipe.loss == "laplace"
    if not (recipe.heatmap_loss or likelihood):
        return model
    try:
        return models.TrainingModel(model, recipe.heatmap_loss, likelihood)
    except ValueError as error:
        raise UserError(str(error)) from error


def _optimizer(recipe, steps):
    averaging = {"use_ema": recipe.averaging is not None}
    if recipe.optimizer == "nesterov":
        optimizer = callbacks.NesterovSGD(recipe.learning_rate, recipe.momentum, **averaging)
        _leave_gradients_alone(optimizer)
    else:
        optimizer = FlatAdamW(_warmed_up_cosine(recipe, steps), recipe.weight_decay, **averaging)
    # A number would be frozen into the traced step; `callbacks.AveragingWindow` sets this.
    optimizer.ema_momentum = keras.Variable(0.0, trainable=False, name="ema_momentum")
    return optimizer


def _leave_gradients_alone(optimizer):
    """Skips the sum of gradients over replicas, on TensorFlow and where there is only one.

    TensorFlow registers a gradient for that sum when the step is traced, and never forgets it, nor
    the graph and the variables that it belongs to: six net7 specialists would all stay in memory.
    """
    strategy = getattr(optimizer, "_distribution_strategy", None)
    if strategy is not None and strategy.num_replicas_in_sync == 1:
        optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: (
            gradients_and_variables
        )


def _warmed_up_cosine(recipe, steps):
    warmup = min(recipe.warmup_epochs, recipe.epochs - 1)
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=(recipe.epochs - warmup) * steps,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup * steps,
    )


def augmentation(recipe: models.Recipe):
    """Returns a recipe's augmentation for `data_pipeline.training_batches`; None for none."""
    functions = {"none": None, "flip": data_pipeline.flip_half, "full": data_pipeline.augment}
    return functions[recipe.augmentation]


def averaged(recipe: models.Recipe, judges: list) -> list[keras.callbacks.Callback]:
    """Wraps the callbacks that judge an epoch in a swap to the averaged weights and back."""
    if not recipe.averaging:
        return judges
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    # Without this, the swap back would come in the next epoch, after the resume state is saved.
    back = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: swap.on_epoch_begin(epoch + 1)
    )
    return [swap, *judges, back]


def schedules(recipe: models.Recipe) -> list[keras.callbacks.Callback]:
    """Returns callbacks for what changes by epoch: learning rate, momentum, averaging."""
    lines = (
        ("learning_rate", recipe.learning_rate, recipe.final_learning_rate),
        ("momentum_variable", recipe.momentum, recipe.final_momentum),
    )
    linear = [
        callbacks.LinearSchedule(variable, start, stop, recipe.epochs)
        for variable, start, stop in lines
        if stop is not None
    ]
    return linear + [callbacks.AveragingWindow(recipe.averaging)] * bool(recipe.averaging)
