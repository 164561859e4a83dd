"""Cross-validates settings of a net on a Ray cluster, where ASHA stops those that fall behind.

Ray's tasks import this file: nothing here may import TensorFlow before its threads are set.
"""

import contextlib
import dataclasses
import io
import os
import pickle
import tempfile
import time
from collections.abc import Sequence

import numpy as np

import ray_connection
from errors import FailedError

# ASHA looks first after this share of the epochs: nets with much dropout learn slowly at first.
_FIRST_LOOK = 0.25
_SECONDS_BETWEEN_CHECKS = 1.0
_KEPT = 0.5  # of the trials, each time that the epochs have doubled


@dataclasses.dataclass(frozen=True)
class Trial:
    """What the nets of all folds reached with some settings.

    Attributes:
        settings: the parameters' values, by name.
        rmse_px: the mean over folds.
        std_px: the standard deviation over folds.
        epochs: how many each net was trained.
        stopped: whether ASHA ended it.
    """

    settings: dict[str, object]
    rmse_px: float
    std_px: float
    epochs: int
    stopped: bool = False


def search(
    address: str,
    estimator,
    settings: Sequence[dict[str, object]],
    faces: tuple[np.ndarray, np.ndarray],
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
) -> list[Trial]:
    """Trains a net for each fold with each of several settings, and judges it on the others' rows.

    A trial trains the nets of its folds in lockstep, an epoch of each in turn, so that ASHA
    compares means over the same faces from the first epoch on. Fold after fold, it could compare
    nothing before the first net is ready, and would then judge by that fold alone. The price is
    that all nets of a trial are in memory together.

    Args:
        address: of the cluster, as `ray_connection.connected` takes it.
        estimator: a `KeypointRegressor` whose `epochs` are the most that a net is trained.
        settings: values of its parameters, by name, for each trial.
        faces: X and y as its `fit` takes them; sent once.
        folds: rows to train and rows to judge by, as scikit-learn's splitters yield them.

    Returns:
        The trials, in the order of `settings`. When nothing was stopped, each has the numbers of
        `GridSearchCV` with as many threads.

    Raises:
        UserError: if a parameter is wrong, or as `connected`.
        FailedError: if a trial failed twice.
    """
    ray_connection.require_ray()
    nets = [type(estimator)(**(estimator.get_params() | each)) for each in settings]
    for net in nets:
        net.check()
    # Ctrl-C shall end all at once, and nobody would read Tune's logs.
    os.environ |= {"TUNE_DISABLE_SIGINT_HANDLER": "1", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
    with (
        tempfile.TemporaryDirectory(prefix="facial-keypoints-") as folder,
        ray_connection.connected(address) as (ray, node),
    ):
        found = _run(ray, node, folder, nets, faces, folds, estimator.epochs)
    return [
        Trial(each, last["rmse_px"], last["std_px"], last["epoch"], last["stopped"])
        for each, last in zip(settings, found, strict=True)
    ]


def _run(ray, node, folder, nets, faces, folds, epochs):
    """Returns what each trial reported last."""
    from ray import tune

    class NodeCheck(tune.Callback):
        """Tune itself would wait forever for a node that has ended."""

        checked = 0.0

        def on_step_end(self, iteration, trials, **info):
            if time.monotonic() - self.checked > _SECONDS_BETWEEN_CHECKS:
                node.require()
                self.checked = time.monotonic()

    resources = ray_connection.share(ray, len(nets))
    train = tune.with_parameters(
        _train,
        nets=[pickle.dumps(net) for net in nets],
        faces=faces,
        folds=folds,
        threads=resources["num_cpus"],
    )
    tuner = tune.Tuner(
        tune.with_resources(train, {"cpu": resources["num_cpus"], "gpu": resources["num_gpus"]}),
        param_space={"number": tune.grid_search(list(range(len(nets))))},
        tune_config=tune.TuneConfig(
            metric="rmse_px",
            mode="min",
            scheduler=tune.schedulers.ASHAScheduler(
                time_attr="epoch",
                max_t=epochs,
                grace_period=max(1, int(_FIRST_LOOK * epochs)),
                reduction_factor=1 / _KEPT,
            ),
        ),
        run_config=tune.RunConfig(
            storage_path=folder,
            verbose=0,
            callbacks=[NodeCheck()],
            failure_config=tune.FailureConfig(max_failures=1),
        ),
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints some at any verbosity
        results = {each.config["number"]: each for each in tuner.fit()}
    for result in results.values():
        if result.error:
            raise FailedError(f"A trial failed twice: {ray_connection.reason(result.error)}.")
    last = [results[number].metrics for number in range(len(nets))]
    return [
        each | {"stopped": each["epoch"] < epochs and bool(np.isfinite(each["rmse_px"]))}
        for each in last
    ]


def _train(config, nets, faces, folds, threads):
    """Trains the nets of one trial, and reports after each epoch."""
    ray_connection.start_quietly(threads)
    from ray import tune

    X, y = faces
    nets = [pickle.loads(nets[config["number"]]) for _ in folds]
    for epoch in range(1, nets[0].epochs + 1):
        rmse = np.zeros(len(folds))
        for fold, (net, (train, valid)) in enumerate(zip(nets, folds, strict=True)):
            net.partial_fit(X[train], y[train])
            rmse[fold] = -net.score(X[valid], y[valid])
        tune.report({"epoch": epoch, "rmse_px": rmse.mean(), "std_px": rmse.std()})
        if not np.isfinite(rmse).all():  # diverged
            return
