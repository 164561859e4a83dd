"""Trains an ensemble: one net for each fold, on the training faces of all other folds."""

import dataclasses
import functools

import numpy as np
import rich.console

import atomic_write
import data_pipeline
import keypoint_schema
import models
from trained_nets import places
from trained_nets.loading import load_run
from trained_nets.predictions import predict_as_labelled
from trained_nets.run_folder import fold_names
from training.executors.choice import Executor
from training.parts import fit_parts
from training.results import Results, pool, validate
from training.task import Task, common_configuration

OUT_OF_FOLD_FILE = "out_of_fold.npz"


def fit_folds(task: Task, folds: int, console: rich.console.Console, executor: Executor) -> Results:
    """Trains the nets that are not finished yet; Ctrl-C leaves some of the folds untrained.

    Every training face is left out by one net, whose prediction for it is kept. Together, these
    predictions show how nets do on people they have not seen.

    Args:
        task: as for a single net; its training rows are split into folds.
        folds: how many.
        console: as for `fit`.
        executor: the way to train them.

    Returns:
        The results as in the run's `config.json`: of the ensemble on the task's validation faces,
        if it has any, and of the single nets on the faces that each left out.

    Raises:
        UserError: if there are fewer people (or pictures) than folds, or as `fit` and the
            executor.
    """
    rows = data_pipeline.folds(task.train, folds, task.settings.seed)
    makes = [
        functools.partial(_task_of, number, *sides, folds)
        for number, sides in enumerate(rows, start=1)
    ]
    config = {
        "model": places.ENSEMBLE_MODEL,
        "description": f"mean of {folds} × {task.net}",
        "architecture": task.net,
        "folds": folds,
        "keypoints": list(task.train.names),
        "labellers": list(task.train.labellers),
        **common_configuration(task.recipe, task.settings, task.train, task.valid),
    }
    trained = list(fit_parts(task, makes, config, console, executor))
    results = pool([each.results for each in trained], folds)
    task.run.write_config(config, results.as_json())
    if results.finished:
        out_of_fold = np.full(task.train.keypoints.shape, np.nan, np.float32)
        for each, (_, inside) in zip(trained, rows, strict=True):
            valid = each.task.valid
            predicted = models.predict_pixels(each.task.run.load_model(), valid.images)
            out_of_fold[inside] = valid.as_labelled(predicted)
        with atomic_write.replacing(task.run.path / OUT_OF_FOLD_FILE) as temporary:
            np.savez_compressed(temporary, keypoints=out_of_fold)
        predicted = predict_as_labelled(load_run(task.run), task.valid)
        results = dataclasses.replace(
            results,
            out_of_fold=validate(out_of_fold, task.train),
            validation=validate(
                predicted[:, keypoint_schema.indices(task.valid.names)], task.valid
            ),
        )
        task.run.write_config(config, results.as_json())
    return results


def _task_of(number, outside, inside, folds, task):
    name = fold_names(folds)[number - 1]
    train, valid = task.train.rows(outside), task.train.rows(inside)
    return dataclasses.replace(
        task,
        model_name=name,
        train=data_pipeline.without_pictures_of(train, valid, task.valid),
        valid=valid,
        run=task.run.part(name),
        settings=dataclasses.replace(
            task.settings,
            # Averaging helps more if the nets' initial weights differ, too.
            seed=task.settings.seed + number - 1,
            fold={"number": number, "of": folds, "split_seed": task.settings.seed},
        ),
    )
