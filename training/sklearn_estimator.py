"""A net of the zoo as a scikit-learn estimator, for `Pipeline`, `GridSearchCV` and the like.

`keras.wrappers.SKLearnRegressor` refuses NaN labels and pictures with more than two axes, and
does not know recipes or flips; hence our own estimator.
"""

import numbers

import keras
import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

import callbacks
import data_pipeline
import keypoint_schema
import models
from errors import UserError
from evaluation import metrics
from training import from_recipe


class KeypointRegressor(RegressorMixin, BaseEstimator):
    """Trains a net of the zoo by its recipe, on all rows that `fit` gets.

    Parameters that are None take the recipe's values. Without validation there is no early
    stopping, and flips treat labels as mirror-symmetric.

    Args:
        net: the zoo entry.
        keypoints: names of the keypoints in `y`, in order; None for all 15.
        dropout: four rates, for net2 to net7.
        learning_rate: in the first epoch, scaling any final rate with it; for AdamW, the peak.
        momentum: in the first epoch, leaving any final momentum as it is; for net1 to net7.
        epochs: how many.
        batch_size: faces.
        random_state: decides initial weights, order, dropout and augmentation.

    Attributes:
        model_: the fitted Keras model.
        history_: training loss by epoch, as the recipe defines it.
        n_features_in_: number of values per face, as passed to `fit`.
    """

    def __init__(
        self,
        net="net2",
        keypoints=None,
        dropout=None,
        learning_rate=None,
        momentum=None,
        epochs=None,
        batch_size=None,
        random_state=0,
    ):
        self.net = net
        self.keypoints = keypoints
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state

    def fit(self, X, y):
        """Trains from scratch.

        Args:
            X: faces, gray values 0–255, whole numbers of any type: `(N, 9216)`, `(N, 96, 96)` or
                `(N, 96, 96, 1)`.
            y: `(N, 2K)` as x, y, x, y, … or `(N, K, 2)`, px; NaN where unlabelled. Rows without
                any label are harmless.

        Raises:
            ValueError: for any other shape or values, no faces, an unknown keypoint, or if flips
                lack the mirror of a keypoint.
            UserError: for an unknown net, a value that recipes do not allow, or a parameter that
                the net or its recipe does not use.
        """
        data = self._data(X, y)
        self._start(X, data)
        return self._train(data, self._recipe().epochs)

    def partial_fit(self, X, y):
        """Trains one epoch more, the same as in `fit`, up to `epochs`; the first call starts anew.

        Args:
            X: as in `fit`, and as many faces in each call.
            y: as in `fit`.

        Raises:
            ValueError: after the last epoch; if this was loaded from a file; or as `fit`.
            UserError: as `fit`.
        """
        data = self._data(X, y)
        if not hasattr(self, "model_"):
            self._start(X, data)
        if not hasattr(self, "_compiled"):
            raise ValueError("What was loaded from a file has no optimizer to go on with. Use fit.")
        if len(self.history_) >= self._recipe().epochs:
            raise ValueError(f"All {self._recipe().epochs:,} epochs have been trained.")
        return self._train(data, len(self.history_) + 1)

    def check(self):
        """Checks the parameters, which `fit` does, too.

        Raises:
            ValueError: for an unknown keypoint.
            UserError: as `fit`.
        """
        models.build(self.net, len(self._names()), settings=self._recipe().net_settings)

    def __getstate__(self):
        state = super().__getstate__()
        # What trains the net cannot be pickled; the net itself can.
        return {key: state[key] for key in state if key not in ("_compiled", "_not_averaged")}

    def _data(self, X, y):
        names, images = self._names(), _as_uint8(_as_images(X))
        if not len(images):  # of which the pipeline would wait for a batch without end
            raise ValueError("X must have at least one face. Received none.")
        keypoints = _as_keypoints(y, len(names), len(images))
        return data_pipeline.FaceData(images, keypoints, np.arange(len(images)), names)

    def _start(self, X, data):
        recipe = self._recipe()
        self._drawn_seed = _seed(self.random_state)
        keras.utils.set_random_seed(self._drawn_seed)
        self.model_ = models.build(self.net, len(data.names), settings=recipe.net_settings)
        steps = data_pipeline.steps_per_epoch(data, recipe.batch_size)
        self._compiled = from_recipe.compiled(self.model_, recipe, steps)
        self._not_averaged = None
        self.history_ = []
        self.n_features_in_ = int(np.prod(np.shape(X)[1:]))

    def _train(self, data, until):
        recipe, done = self._recipe(), len(self.history_)
        batches = data_pipeline.training_batches(
            data, recipe.batch_size, self._drawn_seed, from_recipe.augmentation(recipe), done
        )
        if self._not_averaged is not None:
            self._compiled.set_weights(self._not_averaged)
        history = self._compiled.fit(
            batches,
            steps_per_epoch=data_pipeline.steps_per_epoch(data, recipe.batch_size),
            initial_epoch=done,
            epochs=until,
            callbacks=[
                *from_recipe.schedules(recipe),
                callbacks.StopAtDivergence(),
                *self._kept_from_averaging(recipe),
            ],
            shuffle=False,
            verbose=0,
        )
        self.history_ += history.history["loss"]
        return self

    def _kept_from_averaging(self, recipe):
        """Keeps the weights to go on with: Keras leaves their averages in the net at the end."""
        if not recipe.averaging:
            return []

        def keep(epoch, logs):
            self._not_averaged = self._compiled.get_weights()

        return [keras.callbacks.LambdaCallback(on_epoch_end=keep)]

    def predict(self, X):
        """Predicts `(N, 2K)` px, as x, y, x, y, …; `X` as in `fit`."""
        check_is_fitted(self, "model_")
        keypoints = models.predict_pixels(self.model_, _as_images(X))
        return keypoints.reshape(len(keypoints), 2 * keypoints.shape[1])

    def score(self, X, y):
        """Returns the negative RMSE in px over labelled coordinates: greater is better."""
        predicted = self.predict(X).reshape(len(X), -1, 2)
        actual = _as_keypoints(y, predicted.shape[1], len(X))
        return -metrics.rmse_px(predicted, actual).value()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.three_d_array = True
        tags.non_deterministic = False
        return tags

    def _names(self):
        names = keypoint_schema.NAMES if self.keypoints is None else tuple(self.keypoints)
        keypoint_schema.indices(names)  # raises if one is unknown
        return names

    def _recipe(self):
        recipe = models.find(self.net).recipe
        if self.momentum is not None and recipe.optimizer != "nesterov":
            raise UserError(
                f"momentum must be None for {self.net}: its optimizer, {recipe.optimizer}, has "
                f"none to set. Received: {self.momentum!r}."
            )
        names = ("dropout", "learning_rate", "momentum", "epochs", "batch_size")
        changes = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        if "learning_rate" in changes and recipe.final_learning_rate is not None:
            ratio = changes["learning_rate"] / recipe.learning_rate
            changes["final_learning_rate"] = recipe.final_learning_rate * ratio
        return models.override(self.net, recipe, changes)


def _as_images(X):
    size = keypoint_schema.IMAGE_SIZE
    X = np.asarray(X)
    if X.shape[1:] not in ((size * size,), (size, size), (size, size, 1)):
        raise ValueError(
            f"Faces are ({size * size},), ({size}, {size}) or ({size}, {size}, 1) each. "
            f"Received an X of shape {X.shape}."
        )
    return X.reshape(len(X), size, size, 1)


def _as_uint8(images):
    if images.dtype == np.uint8:
        return images
    converted = np.clip(np.nan_to_num(images), 0, 255).astype(np.uint8)
    if not np.array_equal(converted, images):
        raise ValueError(
            "Gray values are whole numbers from 0 to 255. Received values from "
            f"{images.min():g} to {images.max():g} of type {images.dtype}."
        )
    return converted


def _as_keypoints(y, num_keypoints, num_faces):
    y = np.asarray(y, np.float32)
    if y.shape not in ((num_faces, 2 * num_keypoints), (num_faces, num_keypoints, 2)):
        raise ValueError(
            f"{num_keypoints} keypoints of {num_faces} faces need a y of shape "
            f"({num_faces}, {2 * num_keypoints}). Received: {y.shape}. "
            "The parameter `keypoints` says which keypoints y has."
        )
    return y.reshape(num_faces, num_keypoints, 2)


def _seed(random_state):
    """Returns an integer for any `random_state` that scikit-learn allows."""
    if isinstance(random_state, numbers.Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
