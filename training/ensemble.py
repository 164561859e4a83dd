"""Trains an ensemble: a net for each fold of the training faces, without that fold's persons."""

import dataclasses

import numpy as np
import rich.console

import atomic_write
import data_pipeline
import keypoint_schema
from trained_nets.run_folder import ENSEMBLE, RunFolder, fold_names, load_net
from training import fit as fitting
from training import results as outcomes
from training import task as training_task

OUT_OF_FOLD_FILE = "out_of_fold.npz"


def fit_folds(
    task: training_task.Task,
    folds: int,
    console: rich.console.Console,
    resume: bool = False,
    tensorboard: bool = False,
) -> dict:
    """Trains what is not finished yet; Ctrl-C leaves the later folds untrained.

    Every training face is left out by one net, whose answer for it is kept: together they are the
    answers that nets give for persons they have not seen.

    Args:
        task: as for a single net; the folds are made of its training rows.
        folds: how many.
        console, resume, tensorboard: as for `fitting.fit`.

    Returns:
        The results as in the run's `config.json`: of the ensemble for the task's validation faces,
        if it has any, and of single nets for the faces that each has left out.

    Raises:
        UserError: if there are fewer persons (pictures) than folds, or as `fitting.fit`.
    """
    subtasks = _subtasks(task, data_pipeline.folds(task.train, folds, task.settings.seed))
    config = {
        "model": ENSEMBLE,
        "description": f"mean of {folds} × {task.net}",
        "architecture": task.net,
        "folds": folds,
        "keypoints": list(task.train.names),
        **training_task.common_configuration(task),
    }
    for subtask, _ in subtasks:
        fitting.check(subtask)
    earlier = task.run.earlier_results(config) if resume else None
    task.run.write_config(config, earlier)
    out_of_fold = np.full_like(task.train.keypoints, np.nan)
    parts = []
    for subtask, inside in subtasks:
        console.print(
            f"\n[bold]{subtask.model_name} of {folds}[/]: {len(subtask.train):,} faces to train, "
            f"{len(subtask.valid):,} left out",
        )
        try:
            model, results = fitting.fit(subtask, console, resume, tensorboard)
        except KeyboardInterrupt:  # before its first epoch was over
            if not parts:
                raise
            break
        parts.append(results)
        if not results["finished"]:
            break
        out_of_fold[inside] = keypoint_schema.to_pixels(
            model.predict(subtask.valid.images, batch_size=256, verbose=0)
        )
    results = {
        "epochs_run": sum(part["epochs_run"] for part in parts),
        "seconds": round(sum(part["seconds"] for part in parts), 1),
        "finished": len(parts) == folds and all(part["finished"] for part in parts),
        **_mean_offsets(parts),
    }
    partial_offset_px = results.get("partial_offset_px")
    if results["finished"]:
        _write_out_of_fold(task.run, out_of_fold)
        results["out_of_fold"] = outcomes.validation_results(
            out_of_fold, task.train, partial_offset_px
        )
        if len(task.valid):
            results |= _held_out_results(task, partial_offset_px)
    task.run.write_config(config, results)
    return results


def _subtasks(task, folds):
    later, subtasks = 0, []
    for number in reversed(range(len(folds))):
        outside, inside = folds[number]
        name = fold_names(len(folds))[number]
        subtask = dataclasses.replace(
            task,
            model_name=name,
            train=task.train.rows(outside),
            valid=task.train.rows(inside),
            run=task.run.part(name),
            # Nets that also begin differently have more to average.
            settings=dataclasses.replace(
                task.settings,
                seed=task.settings.seed + number,
                fold={"number": number + 1, "of": len(folds), "split_seed": task.settings.seed},
            ),
            later_steps=later,
        )
        later += task.recipe.epochs * data_pipeline.steps_per_epoch(
            subtask.train, task.recipe.batch_size
        )
        subtasks.insert(0, (subtask, inside))
    return subtasks


def _mean_offsets(parts):
    kinds = [kind for kind in ("mirror_offset_px", "partial_offset_px") if kind in parts[0]]
    return {
        kind: {
            name: np.mean([part[kind][name] for part in parts if name in part[kind]], 0).tolist()
            for name in dict.fromkeys(name for part in parts for name in part[kind])
        }
        for kind in kinds
    }


def _write_out_of_fold(run: RunFolder, keypoints):
    with atomic_write.replacing(run.path / OUT_OF_FOLD_FILE) as temporary:
        np.savez_compressed(temporary, keypoints=keypoints)


def _held_out_results(task, partial_offset_px):
    predicted = load_net(task.run.path).model.predict(task.valid.images, batch_size=256, verbose=0)
    predicted = keypoint_schema.to_pixels(predicted)
    return outcomes.validation_results(predicted, task.valid, partial_offset_px)
