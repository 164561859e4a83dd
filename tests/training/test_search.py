"""The search on a Ray cluster against scikit-learn's, and what ASHA stops."""

import dataclasses
import json
import sys

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, GroupKFold

import keypoint_schema
from errors import UserError
from examples import search_dropout
from tests import ray_cluster, small_data
from tests.running import run_python, run_script
from training.search import Trial, search
from training.sklearn_estimator import KeypointRegressor

pytest.importorskip("ray.tune", reason="Ray is not installed: pip install -e '.[ray]'")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ray has no clusters on Windows")

NOSE = ("nose_tip",)


def faces():
    images, keypoints = small_data.faces()
    labels = keypoints[:, keypoint_schema.indices(NOSE)].reshape(len(images), 2)
    folds = list(GroupKFold(2).split(images, labels, np.arange(len(images)) // 3))
    return (images, labels), folds


# The first looks all right until others are known; at the last nothing is learned.
SETTINGS = [{"learning_rate": rate} for rate in (0.01, 0.003, 1e-7, 1e-8)]


def net():
    return KeypointRegressor("net1", NOSE, epochs=4, batch_size=20)


def print_trials(address):
    """Searches on a cluster, in the process that calls this."""
    trials = search(address, net(), SETTINGS, *faces())
    print(json.dumps([dataclasses.asdict(trial) for trial in trials]))


def test_on_a_cluster_scores_are_scikit_learn_s_and_bad_trials_end_early():
    (images, labels), folds = faces()
    grid = {"learning_rate": [each["learning_rate"] for each in SETTINGS]}
    expected = GridSearchCV(net(), grid, cv=folds, refit=False).fit(images, labels).cv_results_
    code = f"import sys; from {__name__} import print_trials; print_trials(sys.argv[1])"
    with ray_cluster.started(1) as cluster:  # so that trials come in their order
        printed = run_python(code, cluster.address)
    trials = [Trial(**each) for each in json.loads(printed.splitlines()[-1])]
    assert [trial.settings for trial in trials] == SETTINGS
    assert [trial.epochs for trial in trials[:1]] == [4]
    assert [(trial.epochs, trial.stopped) for trial in trials[2:]] == [(1, True)] * 2
    for number, trial in enumerate(trials):
        if not trial.stopped:
            np.testing.assert_allclose(trial.rmse_px, -expected["mean_test_score"][number], 1e-6)
            np.testing.assert_allclose(trial.std_px, expected["std_test_score"][number], 1e-5)


def test_a_wrong_setting_is_told_before_anything_is_sent():
    with pytest.raises(UserError, match="net1 has no setting 'dropout'"):
        search("127.0.0.1:1", net(), [{"dropout": (0.1, 0.1, 0.1, 0.1)}], *faces())


def test_the_example_shows_how_far_trials_went(small_folder, monkeypatch, capsys):
    def searched(address, net, settings, faces, folds):
        assert address == "head:6379"
        assert len(folds) == 2
        errors = [2.5, 3.5, np.nan]
        epochs = [4, 1, 3]
        return [
            Trial(each, error, 0.25, epoch, stopped=epoch == 1)
            for each, error, epoch in zip(settings, errors, epochs, strict=True)
        ]

    monkeypatch.setattr("training.search.search", searched)
    options = "--epochs 4 --folds 2 --learning-rate 0.03 --dropout none light heavy"
    options = ["--data", small_folder, "--cluster", "head:6379", *options.split()]
    assert run_script(search_dropout, *options) == 0
    _, header, *rows, said = capsys.readouterr().out.splitlines()
    assert header.split()[-1] == "epochs"
    assert [row.split()[0] for row in rows] == ["none", "heavy", "light"]
    assert [row.split("0.250")[1].strip() for row in rows] == ["4", "3", "1, stopped"]
    assert said == "ASHA stopped 1 of 3 trials, after 8 of 12 epochs in all."
