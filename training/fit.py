"""Trains one net by its recipe and saves it in its run folder."""

import errno
import math
import os
from collections.abc import Sequence

import keras
import numpy as np
import rich.console

import callbacks
import data_pipeline
import interrupts
import keypoint_schema
import labelling
import models
from errors import DivergedError, UserError
from training import distillation, distribution, from_recipe
from training.results import Results, interrupted_results, measure_mirror, measure_results
from training.task import Task, configuration


def fit(
    task: Task,
    console: rich.console.Console,
    extra_callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Results:
    """Trains a net, keeps the best weights, and writes the run folder.

    Args:
        task: what to train.
        console: where tables and the progress bar go.
        extra_callbacks: called after all others.

    Returns:
        The results, which are not `finished` if Ctrl-C stopped the training.

    Raises:
        UserError: if the run to resume had other settings.
        DivergedError: if the loss is no longer a number; the best weights before that are kept.
    """
    check(task)
    config = configuration(task)
    distribution.require_same(config)
    earlier = _earlier_results(task, config)
    if finished := _finished(task, earlier, console):
        task.run.load_model()  # if it is damaged, that is said now
        return finished
    training = _Training(task, console)
    first_epoch = training.load_state() if task.settings.resume else 0
    task.run.write_config(config, earlier)
    if first_epoch:
        console.print(f"Continuing after epoch {first_epoch:,}.")
    elif task.settings.resume and training.history.path.exists():
        console.print("No state had been saved yet, so it starts over.")
    training.history.truncate(first_epoch)
    try:
        training.run(first_epoch, console, extra_callbacks)
        results = training.measure()
    except KeyboardInterrupt:
        interrupts.forget()
        results = training.interrupt()
    with interrupts.delayed():  # or a finished training would have no results
        task.run.save_model(training.best_model())
        task.run.write_config(config, results.as_json())
        if results.finished:
            task.run.forget_state()
    if diverged := training.history.diverged:
        left = f"The weights of epoch {results.best_epoch:,} are in {task.run.path}."
        raise _diverged(task, diverged, left)
    return results


def check(task: Task):
    """Checks that a task can be trained, before any of the work.

    Raises:
        UserError: if labels, teacher or warm start do not suit the task.
    """
    _require_labels(task)
    if task.settings.teacher is not None:
        distillation.check(task.settings.teacher, task.train)
    if task.settings.warm_start is not None:
        _warm_start(_fresh_model(task), task)


def finished_earlier(task: Task, console: rich.console.Console) -> Results | None:
    """Returns the results of a task to resume if nothing is left to do, and says so.

    Raises:
        UserError: if the run had other settings.
    """
    return _finished(task, _earlier_results(task, configuration(task)), console)


def _earlier_results(task, config):
    return task.run.earlier_results(config, task.train) if task.settings.resume else None


def _finished(task, earlier, console):
    if not earlier or not earlier["finished"]:
        return None
    console.print(f"{task.run.path} is finished already.")
    task.run.forget_state()  # left by a kill after the results
    return Results.from_json(earlier)


def _require_labels(task):
    """Checks that each labeller has labelled, in some row, every keypoint that is theirs."""
    labelled = np.zeros(_num_outputs(task.train), bool)
    for piece in task.train.pieces():
        labelled |= np.isfinite(piece.by_labeller()).any((0, 2))
    for labeller in task.train.labellers:
        for name, position in zip(
            task.train.names,
            labelling.positions(task.train.labellers, labeller, task.train.names),
            strict=True,
        ):
            if not labelled[position]:
                raise UserError(
                    f"{task.model_name} would learn to answer as {labeller} labels, but no face "
                    f"to train on has a {name} by that labeller. "
                    + _remedy(labeller, task.train.labellers)
                )


def _remedy(labeller, labellers):
    if labelling.full(labeller) != labeller:
        return "Leave out --set four_point_labeller=true."
    return "Leave out that --data." if len(labellers) > 1 else "Each keypoint needs labels."


class _Training:
    """A net in training, with the callbacks that record its progress."""

    def __init__(self, task, console):
        self.task = task
        filled_up = task.settings.devices > 1
        with distribution.over(task.settings.devices):
            self.model = _initial_model(task, console)
            self.compiled = from_recipe.compiled(
                self.model, task.recipe, task.steps_per_epoch, filled_up
            )
        monitor = "val_loss_of_faces" if filled_up else "val_loss"
        self.best = callbacks.BestWeights(
            monitor if len(task.valid) else None, task.recipe.patience
        )
        self.best.set_model(self.compiled)  # for `restore`, if Keras stops before it sets it
        # At the end, Keras would set the averaged weights; here `best` sets the best ones. On JAX
        # that would also fail, and hide Ctrl-C, as variables are empty during a step.
        self.compiled.optimizer.finalize_variable_values = lambda variables: None
        self.is_interrupted = False
        self.offsets = None  # a row for each epoch, so only where flips depend on them
        if task.recipe.mirror_offset and task.recipe.augmentation != "none":
            self.offsets = data_pipeline.mirror_offset_table(
                task.recipe.epochs, _num_outputs(task.train)
            )
        self.history = callbacks.HistoryCSV(task.run.history_file)
        self.state = callbacks.ResumeState(
            task.run.resume_file,
            self.best,
            {} if self.offsets is None else {"mirror_offsets": self.offsets},
            task.run.history_file,
        )

    def load_state(self):
        """Restores the state in which the folder's run stopped; returns its number of epochs."""
        try:
            epochs = self.state.load(self.compiled)
        except ValueError as error:
            raise UserError(f"{error} --overwrite starts over.") from error
        if epochs > len(self.history.read()):
            raise UserError(
                f"{self.history.path} lacks epochs that resume.npz has. --overwrite starts over."
            )
        return epochs

    def run(self, first_epoch, console, extra_callbacks):
        """Trains; afterwards, `best_model` has the best weights."""
        task, recipe = self.task, self.task.recipe
        table = callbacks.EpochTable(
            self.history, self.best, recipe.epochs, console, task.later_steps
        )
        is_over = first_epoch and self.best.is_out_of_patience(first_epoch - 1)
        batches = self._training_batches(first_epoch)
        try:
            with distribution.over(task.settings.devices):
                self.compiled.fit(
                    batches,
                    steps_per_epoch=task.steps_per_epoch,
                    validation_data=self._validation_batches(),
                    initial_epoch=first_epoch,
                    epochs=first_epoch if is_over else recipe.epochs,
                    callbacks=[
                        callbacks.SwallowedInterrupts(),
                        *from_recipe.schedules(recipe),
                        callbacks.StopAtDivergence(),
                        # The history first: Ctrl-C may come between any two, and what is best
                        # must have its row.
                        *from_recipe.averaged(recipe, [self.history, self.best, table]),
                        *self._mirror_offsets(),
                        self.state,
                        *self._tensorboard(),
                        *extra_callbacks,
                    ],
                    shuffle=False,  # the dataset does that; Keras would warn
                    verbose=0,
                )
        except Exception as error:
            interrupts.require_none()  # one may have become this error
            full = os.strerror(errno.ENOSPC)
            if task.settings.tensorboard and full in str(error):  # TensorFlow's way to say so
                raise UserError(
                    f"{task.run.tensorboard_folder} cannot be written: {full}."
                ) from error
            raise
        finally:
            table.close()

    def measure(self):
        """Returns the results of a training that ended by itself.

        Raises:
            DivergedError: if there are no weights.
        """
        if self.best.best_weights is None:
            raise _diverged(self.task, self.history.row, "Nothing is left of it.")
        with np.errstate(invalid="ignore", over="ignore"):  # it may have diverged in its last step
            results = measure_results(
                self.best_model(),
                self.history.read(),
                self.task.train,
                self.task.valid,
                self.best.best_epoch,
                finished=self.history.diverged is None,
            )
        if not math.isfinite(results.train_loss):
            raise _diverged(self.task, self.history.row, "Nothing is left of it.")
        return results

    def interrupt(self):
        """Saves the state after Ctrl-C, and returns what is known without predicting any face.

        Raises:
            KeyboardInterrupt: if there is nothing to save yet.
        """
        if self.best.best_weights is None:
            raise KeyboardInterrupt
        self.is_interrupted = True
        self.state.save()
        is_measured = self.offsets is not None and np.any(self.offsets[-1])
        return interrupted_results(
            self.history.read(),
            self.task.train,
            self.task.valid,
            self.best.best_epoch,
            np.array(self.offsets[-1]) if is_measured else None,
        )

    def best_model(self):
        """Returns the net with its best weights, on one device.

        Variables of several devices stay as they are: after an exception, not every process may be
        there to change them together. On JAX, Ctrl-C leaves some empty, such as dropout's seeds.
        """
        is_emptied = self.is_interrupted and keras.backend.backend() == "jax"
        if self.task.settings.devices == 1 and not is_emptied:
            self.best.restore()
            return self.model
        best = dict(zip(map(id, self.compiled.weights), self.best.best_weights, strict=True))
        return distribution.copied_to_one_device(
            self.model, [best[id(each)] for each in self.model.weights]
        )

    def _training_batches(self, first_epoch):
        task = self.task
        rows = task.train
        if task.settings.teacher is not None:
            rows = distillation.distilled(rows, task.settings.teacher)
        return data_pipeline.training_batches(
            rows,
            task.recipe.batch_size,
            task.settings.seed,
            from_recipe.augmentation(task.recipe),
            first_epoch,
            self.offsets,
            share=distribution.share(task.settings.devices),
        )

    def _validation_batches(self):
        task = self.task
        if not len(task.valid):
            return None
        return data_pipeline.evaluation_batches(
            task.valid, task.recipe.batch_size, distribution.share(task.settings.devices)
        )

    def _mirror_offsets(self):
        """Returns the callback that measures the offset, if flips depend on it."""
        task = self.task
        if self.offsets is None:
            return []

        def measure():
            with distribution.on_one_device():
                model = self.model
                if task.settings.devices > 1:
                    model = distribution.copied_to_one_device(model, model.get_weights())
                return measure_mirror(model, task.train).offset

        return [callbacks.MirrorOffsets(self.offsets, measure)]

    def _tensorboard(self):
        if not self.task.settings.tensorboard:
            return []
        return [keras.callbacks.TensorBoard(self.task.run.tensorboard_folder)]


def _initial_model(task, console):
    keras.utils.set_random_seed(task.settings.seed)
    model = _fresh_model(task)
    if task.settings.warm_start is not None:
        fresh = ", ".join(_warm_start(model, task)) or "nothing"
        console.print(f"Warm start from {task.settings.warm_start.origin}; left fresh: {fresh}.")
    return model


def _warm_start(model, task):
    donor, train = task.settings.warm_start, task.train
    if donor.names != train.names:
        return models.warm_start(model, donor.model)
    positions = np.concatenate(
        [
            labelling.positions(donor.labellers, _counterpart(donor, each), donor.names)
            for each in train.labellers
        ]
    )
    return models.warm_start(model, models.with_outputs(donor.whole, positions), True)


def _counterpart(donor, labeller):
    """Returns the labeller of the donor who labels alike; if none is known, the usual one."""
    alike = (labeller, labelling.full(labeller))
    return next((each for each in alike if each in donor.labellers), donor.labels_of)


def _fresh_model(task):
    return models.build(
        task.net, _num_outputs(task.train), task.model_name, task.recipe.net_settings
    )


def _num_outputs(data):
    return len(data.labellers) * len(data.names)


def _diverged(task, row, left):
    return DivergedError(
        f"{task.model_name} diverged in epoch {row['epoch']:,} of {task.recipe.epochs:,}, at a "
        f"learning rate of {row['learning_rate']:.3g}: its loss is no longer a number. "
        f"{_calmer(task)}",
        left,
    )


def _calmer(task):
    """Returns what to try after a divergence."""
    recipe, rates = task.recipe, ["learning_rate"]
    # A last rate above the new first one would have to fall with it.
    if recipe.final_learning_rate and recipe.final_learning_rate > recipe.learning_rate / 3:
        rates.append("final_learning_rate")
    # A specialist may have a rate of its own, which a common one would not change.
    is_specialist = any(task.model_name == each.name for each in keypoint_schema.SPECIALISTS)
    owner = f"{task.model_name}." if is_specialist else ""
    lower = " ".join(f"--set {owner}{each}={getattr(recipe, each) / 3:.1g}" for each in rates)
    if task.settings.precision == "float32":
        return f"Try a lower rate, {lower}."
    return f"Try a lower rate, {lower}, or --precision float32."
