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
from evaluation import metrics, partial_offset
from run_folder import RunFolder, provenance

_LOSSES = {"mse": models.MaskedMeanSquaredError, "huber": models.MaskedHuber}


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all nets have in common that one command trains.

    Attributes:
        seed: decides the split, initial weights, dropout, order and augmentation.
        precision: "float32" or "bfloat16", as it was set for the session.
        data_path: what `--data` said.
        hold_out: share of the faces that were held out.
        init_from: the run that the warm start came from, and `source` its model; or None.
        teacher: the run whose answers stand in for labels; or None.
    """

    seed: int
    precision: str
    data_path: str | None = None
    hold_out: float = data_pipeline.HOLD_OUT
    init_from: str | None = None
    source: keras.Model | None = None
    teacher: str | None = None


@dataclasses.dataclass(frozen=True)
class Task:
    """What to train, on what, and where to put it.

    Attributes:
        net: the zoo entry's name.
        model_name: what the model is called; a specialist's own name.
        recipe: how it is trained.
        train: the training rows.
        valid: the validation rows, of the same keypoints; none if nothing is held out.
        run: the run folder.
        settings: the command's.
        later_steps: of the trainings that follow, for the ETA.
    """

    net: str
    model_name: str
    recipe: models.Recipe
    train: FaceData
    valid: FaceData
    run: RunFolder
    settings: Settings
    later_steps: int = 0


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
    if task.recipe.source_aware and task.train.partial.all():
        raise UserError(
            f"{task.model_name} has no complete rows to learn from, only ones of the partial "
            "source, which teach a twin that is not kept. Leave out --source-aware."
        )
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
    monitor = "val_loss" if len(task.valid) else None
    best = callbacks.BestWeights(monitor, task.recipe.patience)
    sources = 1 + task.recipe.source_aware
    offsets = data_pipeline.mirror_offset_table(task.recipe.epochs, sources * len(task.train.names))
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
            validation_data=_validation_batches(task),
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
    keras.utils.set_random_seed(task.settings.seed)
    model = models.build(task.net, len(task.train.names), model_name=task.model_name)
    if task.settings.source is not None:
        fresh = models.warm_start(model, task.settings.source)
        console.print(f"Warm start from {task.settings.init_from}; left fresh: {', '.join(fresh)}.")
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
    if recipe.heatmap_loss or recipe.source_aware:
        try:
            model = models.TrainingModel(model, recipe.heatmap_loss, recipe.source_aware)
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
    averaging = {"use_ema": recipe.averaging is not None}
    if recipe.optimizer == "nesterov":
        optimizer = callbacks.NesterovSGD(recipe.learning_rate, recipe.momentum, **averaging)
    else:
        optimizer = keras.optimizers.AdamW(
            _warmed_up_cosine(recipe, steps),
            weight_decay=recipe.weight_decay,
            global_clipnorm=5.0,
            **averaging,
        )
        optimizer.exclude_from_weight_decay(var_names=["bias"])
    # A number would be frozen into the traced step; `callbacks.AveragingWindow` sets this.
    optimizer.ema_momentum = keras.Variable(0.0, trainable=False, name="ema_momentum")
    return optimizer


def _warmed_up_cosine(recipe, steps):
    warmup = min(recipe.warmup_epochs, recipe.epochs - 1)
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=(recipe.epochs - warmup) * steps,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup * steps,
    )


def augmentation(recipe: models.Recipe, names: Sequence[str]):
    """What a recipe's batches go through, for `data_pipeline.training_batches`; None: nothing."""
    functions = {"none": None, "flip": data_pipeline.flip_half, "full": data_pipeline.augment}
    augment = functions[recipe.augmentation]
    if augment is None:
        return None
    permutation = keypoint_schema.flip_permutation(names)
    if recipe.source_aware:  # as `FaceData.by_source` has the labels
        permutation = np.concatenate([permutation, permutation + len(names)])
    return functools.partial(augment, permutation=permutation)


def _training_batches(task, first_epoch, offsets):
    return data_pipeline.training_batches(
        task.train,
        task.recipe.batch_size,
        task.settings.seed,
        augmentation(task.recipe, task.train.names),
        first_epoch,
        offsets,
        by_source=task.recipe.source_aware,
    )


def _validation_batches(task):
    if not len(task.valid):
        return None
    return data_pipeline.evaluation_batches(
        task.valid, task.recipe.batch_size, by_source=task.recipe.source_aware
    )


def _mirror_offsets(task, model, table):
    """The callback that measures the offset, where flips depend on it."""
    if not task.recipe.mirror_offset or task.recipe.augmentation == "none":
        return []

    def measure():
        mirrors = measure_mirrors(model, task.train, task.recipe.source_aware)
        return np.concatenate([mirror.offset for mirror in mirrors])

    return [callbacks.MirrorOffsets(table, measure)]


def measure_mirrors(
    model: keras.Model, data: FaceData, by_source: bool = False
) -> list[keypoint_schema.Mirror]:
    """How the labels of these faces behave under mirroring, as far as the net can tell.

    Returns:
        One mirror; or with `by_source`, that of the complete source's labels and that of the
        partial source's. A labeller's offset shows whichever way the net itself answers.

    Raises:
        ValueError: if the mirror of a keypoint is not among the data's.
    """
    predicted, mirrored = (_predict(model, each) for each in (data.images, _mirrored(data.images)))
    labels = np.split(data.by_source(), 2, axis=1) if by_source else [data.keypoints]
    return [
        keypoint_schema.Mirror.of(data.names).measured(
            predicted, mirrored, keypoint_schema.to_normalized(each)
        )
        for each in labels
    ]


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


def schedules(recipe: models.Recipe) -> list[keras.callbacks.Callback]:
    """What a recipe asks to change from epoch to epoch: learning rate, momentum, averaging."""
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


def _configuration(task):
    return {
        "model": task.net,
        "description": models.find(task.net).description,
        "keypoints": list(task.train.names),
        "recipe": dataclasses.asdict(task.recipe),
        "seed": task.settings.seed,
        "precision": task.settings.precision,
        "init_from": task.settings.init_from,
        "teacher": task.settings.teacher,
        "data": describe_data(task.settings, task.train, task.valid),
        **provenance(),
    }


def describe_data(settings: Settings, train: FaceData, valid: FaceData) -> dict:
    """What `config.json` says of the data."""
    return {
        "path": settings.data_path,
        "hold_out": settings.hold_out,
        "description": train.description,
        "fingerprint": train.fingerprint,
        "grouped_by": train.grouped_by,
        "train_rows": len(train),
        "valid_rows": len(valid),
    }


def _results(task, model, best, history):
    rows, train = history.read(), task.train
    predicted = keypoint_schema.to_pixels(_predict(model, train.images))
    offset = None
    if task.recipe.source_aware:
        partial_labels = train.by_source()[:, len(train.names) :]
        offset = partial_offset.measured(predicted, partial_labels, train.names)
        predicted = partial_offset.added(predicted, train.partial, train.names, offset)
    mirror = measure_mirrors(model, train, task.recipe.source_aware)[0]
    results = {
        "epochs_run": len(rows),
        "seconds": round(sum(float(row["seconds"]) for row in rows), 1),
        "best_epoch": best.best_epoch + 1,
        "train_loss": metrics.loss(predicted, train.keypoints),
        "mirror_offset_px": mirror.offset_px(train.names),
    }
    if offset is not None:
        results["partial_offset_px"] = offset
    if not len(task.valid):
        return results
    predicted = keypoint_schema.to_pixels(_predict(model, task.valid.images))
    return results | validation_results(predicted, task.valid, offset)


def validation_results(
    predicted: np.ndarray, valid: FaceData, partial_offset_px: dict | None = None
) -> dict:
    """What `config.json` says of faces that were not trained on.

    Args:
        predicted: `(N, K, 2)` px, the answers of the net that is kept.
        valid: N faces with any label.
        partial_offset_px: a source-aware net's, which is added in rows of the partial source.
    """
    predicted = partial_offset.added(predicted, valid.partial, valid.names, partial_offset_px)
    labels = valid.keypoints
    return {
        "valid_loss": metrics.loss(predicted, labels),
        "valid_rmse_px": metrics.rmse_px(predicted, labels).value(),
        "valid_rmse_px_per_keypoint": {  # those with labels among the rows
            name: metrics.rmse_px(predicted[:, [k]], labels[:, [k]]).value()
            for k, name in enumerate(valid.names)
            if np.isfinite(labels[:, k]).any()
        },
        "valid_labels": int(np.isfinite(labels).sum()),
    }
