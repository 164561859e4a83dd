"""Fits one net by its recipe, into its run folder."""

import math
from collections.abc import Sequence

import keras
import numpy as np
import rich.console

import callbacks
import data_pipeline
import models
from errors import UserError
from training import distillation, from_recipe
from training import results as outcomes
from training.task import Task, configuration


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
    check(task)
    config = configuration(task)
    earlier = task.run.earlier_results(config) if resume else None
    if earlier and earlier["finished"]:
        model = task.run.load_model()
        console.print(f"{task.run.path} is finished already.")
        return model, earlier
    taught = _taught(task)
    model = _initial_model(task, console)
    trained = from_recipe.compiled(
        model, task.recipe, data_pipeline.steps_per_epoch(task.train, task.recipe.batch_size)
    )
    monitor = "val_loss" if len(task.valid) else None
    best = callbacks.BestWeights(monitor, task.recipe.patience)
    sources = 1 + task.recipe.source_aware
    offsets = data_pipeline.mirror_offset_table(task.recipe.epochs, sources * len(task.train.names))
    state = callbacks.ResumeState(task.run.resume_file, best, others={"mirror_offsets": offsets})
    history = callbacks.HistoryCSV(task.run.history_file)
    first_epoch = _load_state(state, trained) if resume else 0
    best.set_model(trained)  # for `restore`, if training is stopped before Keras sets it
    if first_epoch > len(history.read()):
        raise UserError(
            f"{task.run.history_file} lacks epochs that resume.npz has. --overwrite begins anew."
        )
    task.run.write_config(config, earlier)
    history.truncate(first_epoch)
    if first_epoch:
        console.print(f"Going on after epoch {first_epoch:,}.")
    table = callbacks.EpochTable(history, best, task.recipe.epochs, console, task.later_steps)
    is_over = first_epoch and best.is_out_of_patience(first_epoch - 1)
    finished = True
    try:
        trained.fit(
            _training_batches(task, taught, first_epoch, offsets),
            steps_per_epoch=data_pipeline.steps_per_epoch(task.train, task.recipe.batch_size),
            validation_data=_validation_batches(task),
            initial_epoch=first_epoch,
            epochs=first_epoch if is_over else task.recipe.epochs,
            callbacks=[
                *from_recipe.schedules(task.recipe),
                keras.callbacks.TerminateOnNaN(),
                *from_recipe.averaged(task.recipe, [best, history, table]),
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
        raise _diverged(model)
    seconds = [float(row["seconds"]) for row in history.read()]
    results = outcomes.results(
        model, task.train, task.valid, task.recipe.source_aware, best.best_epoch, seconds
    )
    results |= {"finished": finished}
    if not math.isfinite(results["train_loss"]):
        raise _diverged(model)
    task.run.save_model(model)
    task.run.write_config(config, results)
    if finished:
        task.run.resume_file.unlink(missing_ok=True)
    return model, results


def _diverged(model):
    return UserError(
        f"{model.name} diverged: its loss is no number. Lower the learning rate, or try "
        "--precision float32."
    )


def check(task: Task):
    """Tells what stands against a training before any of its work.

    Raises:
        UserError: if source-awareness, teacher or warm start do not suit the task.
    """
    if task.recipe.source_aware and task.train.four_point.all():
        raise UserError(
            f"{task.model_name} has no complete rows to learn from, only ones with "
            "four keypoints or fewer, which teach a layer that is not kept. Leave out "
            "--source-aware."
        )
    if task.settings.teacher is not None:
        distillation.check(task.settings.teacher, task.train.names)
    if task.settings.source is not None:
        _warm_start(_fresh_model(task), task)


def _load_state(state, model):
    try:
        return state.load(model)
    except ValueError as error:
        raise UserError(f"{error} --overwrite begins anew.") from error


def _initial_model(task, console):
    keras.utils.set_random_seed(task.settings.seed)
    model = _fresh_model(task)
    fresh = _warm_start(model, task)
    if fresh is not None:
        left = ", ".join(fresh) or "nothing"
        console.print(f"Warm start from {task.settings.init_from}; left fresh: {left}.")
    return model


def _warm_start(model, task):
    source = task.settings.source
    if source is None:
        return None
    return models.warm_start(model, source.model, source.names == task.train.names)


def _fresh_model(task):
    return models.build(task.net, len(task.train.names), model_name=task.model_name)


def _training_batches(task, taught, first_epoch, offsets):
    return data_pipeline.training_batches(
        taught,
        task.recipe.batch_size,
        task.settings.seed,
        from_recipe.augmentation(task.recipe),
        first_epoch,
        offsets,
        by_labeller=task.recipe.source_aware,
    )


def _taught(task):
    """The training rows with the labels to learn from."""
    if task.settings.teacher is None:
        return task.train
    return distillation.distilled(task.train, task.settings.teacher, task.recipe.source_aware)


def _validation_batches(task):
    if not len(task.valid):
        return None
    return data_pipeline.evaluation_batches(
        task.valid, task.recipe.batch_size, by_labeller=task.recipe.source_aware
    )


def _mirror_offsets(task, model, table):
    """The callback that measures the offset, where flips depend on it."""
    if not task.recipe.mirror_offset or task.recipe.augmentation == "none":
        return []

    def measure():
        mirrors = outcomes.measure_mirrors(model, task.train, task.recipe.source_aware)
        return np.concatenate([mirror.offset for mirror in mirrors])

    return [callbacks.MirrorOffsets(table, measure)]
