"""Fits one net by its recipe, into its run folder."""

import dataclasses
import functools
from collections.abc import Sequence

import keras
import numpy as np
import rich.console

import callbacks
import data_pipeline
import keypoint_schema
import models
from data_pipeline import FaceData
from errors import UserError
from evaluation import metrics
from run_folder import RunFolder, provenance

_LOSSES = {"mse": models.MaskedMeanSquaredError, "huber": models.MaskedHuber}


@dataclasses.dataclass(frozen=True)
class Task:
    """What to train, on what, and where to put it.

    Attributes:
        net: the zoo entry's name.
        model_name: what the model is called; a specialist's own name.
        recipe: how it is trained.
        train: the training rows.
        valid: the validation rows, of the same keypoints.
        run: the run folder.
        seed: decides initial weights, dropout, order and augmentation.
        precision: "float32" or "bfloat16", as it was set for the session.
        data_path: what `--data` said.
        later_steps: of the trainings that follow, for the ETA.
        init_from: the run that the warm start came from, and `source` its model; or None.
    """

    net: str
    model_name: str
    recipe: models.Recipe
    train: FaceData
    valid: FaceData
    run: RunFolder
    seed: int
    precision: str
    data_path: str | None = None
    later_steps: int = 0
    init_from: str | None = None
    source: keras.Model | None = None


def fit(
    task: Task,
    console: rich.console.Console,
    resume: bool = False,
    tensorboard: bool = False,
    extra_callbacks: Sequence[keras.callbacks.Callback] = (),
) -> tuple[keras.Model, dict]:
    """Trains, keeps the best weights, and writes the run folder.

    Args:
        task: what to do.
        console: where tables and the progress bar go.
        resume: go on with the run in the folder; a finished one is just loaded.
        tensorboard: write TensorBoard logs.
        extra_callbacks: called after all others.

    Returns:
        The model with the best weights, and the results as in `config.json`, with
        `"finished": False` if Ctrl-C stopped it.

    Raises:
        UserError: if the run to resume had other settings, or the loss is no number.
    """
    config = _configuration(task)
    earlier = task.run.earlier_results(config) if resume else None
    if earlier and earlier["finished"]:
        model = task.run.load_model()
        console.print(f"{task.run.path} is finished already.")
        return model, earlier
    model = _initial_model(task, console)
    trained = compiled(
        model, task.recipe, data_pipeline.steps_per_epoch(task.train, task.recipe.batch_size)
    )
    best = callbacks.BestWeights(patience=task.recipe.patience)
    offsets = data_pipeline.mirror_offset_table(task.recipe.epochs, len(task.train.names))
    state = callbacks.ResumeState(task.run.resume_file, best, others={"mirror_offsets": offsets})
    history = callbacks.HistoryCSV(task.run.history_file)
    first_epoch = _load_state(state, trained) if resume else 0
    if first_epoch > len(history.read()):
        raise UserError(
            f"{task.run.history_file} lacks epochs that resume.npz has. --overwrite begins anew."
        )
    task.run.write_config(config)
    history.truncate(first_epoch)
    if first_epoch:
        console.print(f"Going on after epoch {first_epoch:,}.")
    table = callbacks.EpochTable(history, best, task.recipe.epochs, console, task.later_steps)
    finished = True
    try:
        trained.fit(
            _training_batches(task, first_epoch, offsets),
            steps_per_epoch=data_pipeline.steps_per_epoch(task.train, task.recipe.batch_size),
            validation_data=data_pipeline.evaluation_batches(task.valid, task.recipe.batch_size),
            initial_epoch=first_epoch,
            epochs=task.recipe.epochs,
            callbacks=[
                *schedules(task.recipe),
                keras.callbacks.TerminateOnNaN(),
                *_averaged(task.recipe, [best, history, table]),
                *_mirror_offsets(task, model, offsets),
                state,
                *([keras.callbacks.TensorBoard(task.run.tensorboard_folder)] * tensorboard),
                *extra_callbacks,
            ],
            shuffle=False,  # the dataset does it; Keras would warn
            verbose=0,
        )
    except KeyboardInterrupt:
        if best.best_weights is None:  # nothing to save yet
            raise
        finished = False
    finally:
        table.close()
        best.restore()
    if best.best_weights is None:
        raise UserError(
            f"{model.name} diverged: the loss of its first epoch is no number. "
            "Lower the learning rate, or try --precision float32."
        )
    task.run.save_model(model)
    results = _results(task, model, best, history) | {"finished": finished}
    task.run.write_config(config | {"results": results})
    if finished:
        task.run.resume_file.unlink(missing_ok=True)
    return model, results


def _load_state(state, model):
    try:
        return state.load(model)
    except ValueError as error:
        raise UserError(f"{error} --overwrite begins anew.") from error


def _initial_model(task, console):
    keras.utils.set_random_seed(task.seed)
    model = models.build(task.net, len(task.train.names), model_name=task.model_name)
    if task.source is not None:
        fresh = models.warm_start(model, task.source)
        console.print(f"Warm start from {task.init_from}; left fresh: {', '.join(fresh)}.")
    return model


def compiled(model: keras.Model, recipe: models.Recipe, steps: int) -> keras.Model:
    """Compiles what `fit` is to be called on, which shares all layers with the net.

    Args:
        model: a net of the zoo.
        recipe: how it is trained.
        steps: batches an epoch.

    Raises:
        UserError: if the recipe wants heatmaps of a net that draws none.
    """
    if recipe.heatmap_loss:
        try:
            model = models.HeatmapSupervision(model, recipe.heatmap_loss)
        except ValueError as error:
            raise UserError(str(error)) from error
    optimizer = _optimizer(recipe, steps)
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer,
        loss=_LOSSES[recipe.loss](),
        metrics=[models.LabelledMeanSquaredError(), models.RootMeanSquaredErrorPixels()],
        # XLA makes these convolutions five times slower on CPUs under TensorFlow.
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def _optimizer(recipe, steps):
    averaging = {}
    if recipe.averaging:
        # A share of the training, so that a short one forgets its initial weights too.
        window = max(1.0, recipe.averaging * recipe.epochs * steps)
        averaging = {"use_ema": True, "ema_momentum": 1 - 1 / window}
    if recipe.optimizer == "nesterov":
        return callbacks.NesterovSGD(recipe.learning_rate, recipe.momentum, **averaging)
    warmup = min(recipe.warmup_epochs, recipe.epochs - 1)
    learning_rate = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=(recipe.epochs - warmup) * steps,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup * steps,
    )
    optimizer = keras.optimizers.AdamW(
        learning_rate, weight_decay=recipe.weight_decay, global_clipnorm=5.0, **averaging
    )
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return optimizer


def augmentation(recipe: models.Recipe, names: Sequence[str]):
    """What a recipe's batches go through, for `data_pipeline.training_batches`; None: nothing."""
    functions = {"none": None, "flip": data_pipeline.flip_half, "full": data_pipeline.augment}
    augment = functions[recipe.augmentation]
    if augment is None:
        return None
    return functools.partial(augment, permutation=keypoint_schema.flip_permutation(names))


def _training_batches(task, first_epoch, offsets):
    augment = augmentation(task.recipe, task.train.names)
    return data_pipeline.training_batches(
        task.train, task.recipe.batch_size, task.seed, augment, first_epoch, offsets
    )


def _mirror_offsets(task, model, table):
    """The callback that measures the offset, where flips depend on it."""
    if not task.recipe.mirror_offset or task.recipe.augmentation == "none":
        return []
    return [callbacks.MirrorOffsets(table, lambda: measure_mirror(model, task.train).offset)]


def measure_mirror(model: keras.Model, data: FaceData) -> keypoint_schema.Mirror:
    """How the labels of these faces behave under mirroring, as far as the net can tell.

    Raises:
        ValueError: if the mirror of a keypoint is not among the data's.
    """
    predicted, mirrored = (_predict(model, each) for each in (data.images, _mirrored(data.images)))
    labels = keypoint_schema.to_normalized(data.keypoints)
    return keypoint_schema.Mirror.of(data.names).measured(predicted, mirrored, labels)


def _predict(model, images):
    return model.predict(images, batch_size=256, verbose=0)


def _mirrored(images):
    return images[:, :, ::-1]


def _averaged(recipe, judges):
    """The callbacks that judge an epoch, between a swap to the averaged weights and one back."""
    if not recipe.averaging:
        return judges
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    # Without this the swap back would come with the next epoch, after the resume state is saved.
    back = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: swap.on_epoch_begin(epoch + 1)
    )
    return [swap, *judges, back]


def schedules(recipe: models.Recipe) -> list[callbacks.LinearSchedule]:
    """The schedules for learning rate and momentum that a recipe asks for."""
    lines = (
        ("learning_rate", recipe.learning_rate, recipe.final_learning_rate),
        ("momentum_variable", recipe.momentum, recipe.final_momentum),
    )
    return [
        callbacks.LinearSchedule(variable, start, stop, recipe.epochs)
        for variable, start, stop in lines
        if stop is not None
    ]


def _configuration(task):
    return {
        "model": task.net,
        "description": models.find(task.net).description,
        "keypoints": list(task.train.names),
        "recipe": dataclasses.asdict(task.recipe),
        "seed": task.seed,
        "precision": task.precision,
        "init_from": task.init_from,
        "data": describe_data(task.data_path, task.train, task.valid),
        **provenance(),
    }


def describe_data(path: str | None, train: FaceData, valid: FaceData) -> dict:
    """What `config.json` says of the data."""
    return {
        "path": path,
        "description": train.description,
        "fingerprint": train.fingerprint,
        "grouped_by": train.grouped_by,
        "train_rows": len(train),
        "valid_rows": len(valid),
    }


def _results(task, model, best, history):
    predicted = {}
    for side, data in (("train", task.train), ("valid", task.valid)):
        predicted[side] = keypoint_schema.to_pixels(_predict(model, data.images))
    valid = task.valid.keypoints
    rows = history.read()
    return {
        "epochs_run": len(rows),
        "seconds": round(sum(float(row["seconds"]) for row in rows), 1),
        "best_epoch": best.best_epoch + 1,
        "train_loss": metrics.loss(predicted["train"], task.train.keypoints),
        "valid_loss": metrics.loss(predicted["valid"], valid),
        "valid_rmse_px": metrics.rmse_px(predicted["valid"], valid).value(),
        "valid_rmse_px_per_keypoint": {  # those with labels among the validation rows
            name: metrics.rmse_px(predicted["valid"][:, [k]], valid[:, [k]]).value()
            for k, name in enumerate(task.train.names)
            if np.isfinite(valid[:, k]).any()
        },
        "valid_labels": int(np.isfinite(valid).sum()),
        "mirror_offset_px": measure_mirror(model, task.train).offset_px(task.train.names),
    }
