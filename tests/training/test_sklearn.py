"""A net of the zoo inside scikit-learn."""

import dataclasses
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

import keypoint_schema
import models
from errors import UserError
from examples import search_dropout
from models import names
from tests import small_data
from tests.running import run_script
from training import from_recipe
from training.flat_adamw import FlatAdamW
from training.sklearn_estimator import KeypointRegressor

NOSE = ("nose_tip",)


def nose_data():
    images, keypoints = small_data.faces()
    labels = keypoints[:, keypoint_schema.indices(NOSE)].reshape(len(images), 2).copy()
    return images, labels


def test_missing_labels_neither_stop_nor_steer_training():
    images, labels = nose_data()
    missing = labels.copy()
    missing[40:] = np.nan
    net = KeypointRegressor("net1", NOSE, epochs=2, batch_size=20)
    fitted = net.fit(images, missing)
    predicted = fitted.predict(images)
    assert np.isfinite(predicted).all()
    assert np.isfinite(fitted.history_).all()
    missing[40:] = np.nan_to_num(missing[40:]) + 1000  # now they would steer it
    assert not np.allclose(clone(net).fit(images, missing).predict(images), predicted)


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.float64])
def test_gray_values_of_any_type_are_taken(kind):
    images, labels = nose_data()
    net = KeypointRegressor("net1", NOSE, epochs=1, batch_size=20)
    expected = net.fit(images, labels).predict(images)
    received = clone(net).fit(images.astype(kind), labels).predict(images.astype(kind))
    np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("change", [lambda X: X / 255, lambda X: X - 1.0, lambda X: X * np.nan])
def test_other_values_are_refused(change):
    images, labels = nose_data()
    with pytest.raises(ValueError, match="whole numbers from 0 to 255"):
        KeypointRegressor("net1", NOSE, epochs=1).fit(change(images), labels)


def test_a_fitted_net_is_pickled(narrow_zoo):
    images, labels = nose_data()
    net = KeypointRegressor("heatmap_s", NOSE, epochs=2, batch_size=20).partial_fit(images, labels)
    restored = pickle.loads(pickle.dumps(net))
    np.testing.assert_array_equal(restored.predict(images), net.predict(images))
    with pytest.raises(ValueError, match="no optimizer to go on with"):
        restored.partial_fit(images, labels)
    assert len(restored.fit(images, labels).history_) == 2
    net.partial_fit(images, labels)  # the one that was pickled goes on


def test_training_lowers_the_error_and_repeats_itself():
    images, labels = nose_data()
    net = KeypointRegressor("net1", NOSE, epochs=30, batch_size=20)
    first = net.fit(images, labels).predict(images)
    assert net.history_[-1] < 0.5 * net.history_[0]
    np.testing.assert_array_equal(clone(net).fit(images, labels).predict(images), first)


def test_random_states_of_scikit_learn_are_taken():
    images, labels = nose_data()
    state = np.random.RandomState(3)
    for random_state in (None, np.int64(5), state):
        net = KeypointRegressor("net1", NOSE, epochs=1, random_state=random_state)
        assert np.isfinite(net.fit(images, labels).predict(images)).all()
    assert state.randint(1000) != np.random.RandomState(3).randint(1000)  # it was drawn from


def test_score_is_negative_rmse_over_labels():
    images, labels = nose_data()
    net = KeypointRegressor("net1", NOSE, epochs=1).fit(images, labels)
    actual = net.predict(images)
    actual[:, 0] += 3
    actual[:, 1] -= 4
    assert net.score(images, actual) == pytest.approx(-np.sqrt((9 + 16) / 2), rel=1e-5)
    actual[5:] = np.nan
    actual[0, 0] = np.nan
    assert net.score(images, actual) == pytest.approx(-np.sqrt((9 * 4 + 16 * 5) / 9), rel=1e-5)


def test_grid_search_in_a_pipeline_keeps_groups_apart():
    images, labels = nose_data()
    labels[::7] = np.nan
    groups = np.arange(len(images)) // 3
    pipeline = Pipeline(
        [
            ("flat", FunctionTransformer(lambda X: X.reshape(len(X), -1))),
            ("net", KeypointRegressor("net1", NOSE, batch_size=32)),
        ]
    )
    # At a rate of 1e-6 nothing is learned, so the search has something to find.
    grid = {"net__learning_rate": [1e-6, 0.01], "net__epochs": [15]}
    search = GridSearchCV(pipeline, grid, cv=GroupKFold(2), error_score="raise")
    search.fit(images, labels, groups=groups)
    assert search.best_params_["net__learning_rate"] == 0.01
    assert search.predict(images[:4]).shape == (4, 2)


def test_dropout_reaches_the_layers_and_the_final_rate_keeps_its_ratio(narrow_zoo):
    net = KeypointRegressor("net6", NOSE, dropout=(0, 0.1, 0.2, 0.4), learning_rate=0.06, epochs=1)
    recipe = net._recipe()
    assert recipe.final_learning_rate == pytest.approx(0.0002)
    model = models.build("net6", 1, settings=recipe.net_settings)
    rates = [layer.rate for layer in model.layers if layer.name.startswith("dropout")]
    assert rates == [0, 0.1, 0.2, 0.4]


def test_heatmap_nets_train_by_their_own_recipe(narrow_zoo, monkeypatch):
    images, labels = nose_data()
    trained = spy_on_training(monkeypatch)
    net = KeypointRegressor("heatmap_s", NOSE, learning_rate=0.003, epochs=16, batch_size=20)
    predicted = net.fit(images, labels).predict(images)
    assert predicted.shape == labels.shape
    assert net.history_[-1] < 0.75 * net.history_[0]
    assert isinstance(trained[0], models.TrainingModel)
    assert isinstance(trained[0].optimizer, FlatAdamW)
    assert isinstance(trained[0].loss, models.MaskedHuber)


def spy_on_training(monkeypatch):
    """A list that gets what is compiled."""
    trained, compiled = [], from_recipe.compiled
    monkeypatch.setattr(
        from_recipe,
        "compiled",
        lambda *arguments: trained.append(compiled(*arguments)) or trained[-1],
    )
    return trained


def test_averaged_weights_are_kept(monkeypatch):
    entry = models.find("net1")
    averaging = dataclasses.replace(entry, recipe=dataclasses.replace(entry.recipe, averaging=0.5))
    monkeypatch.setattr(models.zoo, "ZOO", {**models.ZOO, "averaged": averaging})
    monkeypatch.setattr(names, "NETS", (*names.NETS, "averaged"))
    images, labels = nose_data()

    def weights(net, epochs):
        net = KeypointRegressor(net, NOSE, epochs=epochs, batch_size=len(images))
        return net.fit(images, labels).model_.get_weights()

    # Half of the steps so far is at most 1, at most 1, 1.5 and 2, so that nothing, nothing, 1/3 and
    # 1/2 of the average is kept.
    steps = [weights("net1", epochs) for epochs in (1, 2, 3, 4)]
    for kept, *each in zip(weights("averaged", 4), *steps, strict=True):
        expected = each[1] / 6 + each[2] / 3 + each[3] / 2
        np.testing.assert_allclose(kept, expected, atol=1e-6)
        assert np.abs(kept - each[3]).max() > 1e-4


def test_epoch_by_epoch_nothing_differs(narrow_zoo):
    """net6 has dropout, flips and a changing rate; heatmap_s averages its weights."""
    images, labels = nose_data()
    for name in ("net6", "heatmap_s"):
        net = KeypointRegressor(name, NOSE, epochs=2, batch_size=25)
        at_once, others = clone(net).fit(images, labels), clone(net)
        for _ in range(2):
            net.partial_fit(images, labels)
            others.partial_fit(images[::-1], labels[::-1])  # in between, as in another fold
        assert net.history_ == at_once.history_
        assert net.history_ != others.history_
        np.testing.assert_array_equal(net.predict(images), at_once.predict(images))
        with pytest.raises(ValueError, match="All 2 epochs"):
            net.partial_fit(images, labels)


def test_flipping_recipes_train(narrow_zoo):
    images, labels = nose_data()
    net = KeypointRegressor("net3", NOSE, epochs=1, batch_size=16).fit(images[:16], labels[:16])
    assert np.isfinite(net.predict(images[:2])).all()


@pytest.mark.parametrize("shape", [(4, 95), (4, 96, 95), (4, 96, 96, 3)])
def test_wrong_pictures_are_refused(shape):
    with pytest.raises(ValueError, match="Faces are"):
        KeypointRegressor("net1", NOSE, epochs=1).fit(np.zeros(shape), np.zeros((4, 2)))


def test_no_faces_are_refused():
    with pytest.raises(ValueError, match="at least one face"):
        KeypointRegressor("net1", NOSE, epochs=1).fit(np.zeros((0, 96, 96)), np.zeros((0, 2)))


def test_wrong_labels_and_nets_are_refused():
    images, labels = nose_data()
    with pytest.raises(ValueError, match="Unknown keypoint 'nose'"):
        KeypointRegressor("net1", ("nose",), epochs=1).fit(images, labels)
    with pytest.raises(ValueError, match="keypoints"):
        KeypointRegressor("net1").fit(images, labels)
    with pytest.raises(UserError, match="net99"):
        KeypointRegressor("net99", NOSE).fit(images, labels)


@pytest.mark.parametrize(
    ("net", "parameter", "message"),
    [
        ("heatmap_s", {"momentum": 0.9}, "momentum must be None for heatmap_s"),
        ("heatmap_s", {"dropout": (0.1, 0.1, 0.1, 0.1)}, "heatmap_s has no setting 'dropout'"),
        ("net1", {"dropout": (0.1, 0.1, 0.1, 0.1)}, "net1 has no setting 'dropout'"),
    ],
)
def test_a_parameter_that_the_net_has_no_use_for_is_refused(net, parameter, message):
    with pytest.raises(UserError, match=message):
        KeypointRegressor(net, NOSE, epochs=1, **parameter).fit(*nose_data())


def test_the_example_searches(narrow_zoo, small_folder, capsys):
    options = "--epochs 1 --faces 16 --folds 2 --learning-rate 0.03 --dropout none tutorial"
    assert run_script(search_dropout, "--data", small_folder, *options.split()) == 0
    shown = capsys.readouterr().out
    assert "nose_tip: net6, 1 epochs, 2 folds" in shown
    assert "tutorial (0.1, 0.2, 0.3, 0.5)" in shown
    assert shown.count(" 0.03 ") == 2


def test_the_example_refuses_nets_without_dropout_in_one_line(small_folder, capsys):
    options = "--net heatmap_s --epochs 1 --folds 2"
    assert run_script(search_dropout, "--data", small_folder, *options.split()) == 2
    error = capsys.readouterr().err
    assert "heatmap_s has no setting 'dropout'" in error
    assert error.count("\n") == 1


def test_no_faces_get_no_answers():
    images, labels = nose_data()
    net = KeypointRegressor("net1", NOSE, epochs=1).fit(images, labels)
    assert net.predict(images[:0]).shape == (0, 2)
