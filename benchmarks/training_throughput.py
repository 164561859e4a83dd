"""Images a second through train.py's training loop, and through a bare `model.fit` on arrays.

    python -m benchmarks.training_throughput --data ~/data/faces --net net2

Both train the same net with its recipe's optimizer, losses and batch size on the same complete
faces. They take turns, so that other load on the machine slows both alike. train.py's loop also
augments as the recipe says, and calls its callbacks. Both are timed from the start of the second
epoch (the first one traces the step) to the start of the last. The figures are medians over the
rounds; the ratio is the median of the rounds' ratios.
"""

import dataclasses
import time

import numpy as np

import command_line
from benchmarks import short_training

PROGRAM = "python -m benchmarks.training_throughput"


def main(argv=None):
    parser = short_training.make_parser(PROGRAM, __doc__, net="net2", epochs=4)
    parser.add_argument(
        "--rounds", type=command_line.at_least(1), default=7, help="(default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    data = short_training.load_data(arguments)
    import data_pipeline
    import models

    train, valid = data_pipeline.split(data.select(data.names), seed=0)
    recipe = models.find(arguments.net).recipe
    fits = bare_fit(arguments.net, recipe, train), train_py_fit(arguments.net, recipe, train, valid)
    for fit in fits:  # traces and warms up
        images_per_second(fit, 1, len(train))
    rounds = [
        [images_per_second(fit, arguments.epochs, len(train)) for fit in fits]
        for _ in range(arguments.rounds)
    ]
    bare, train_py = np.median(rounds, axis=0)
    ratios = [second / first for first, second in rounds]
    print(
        f"{arguments.net}, batch {recipe.batch_size}, {command_line.counted(len(train), 'face')}, "
        f"median of {command_line.counted(arguments.rounds, 'round')}"
    )
    print(f"bare model.fit on arrays  {bare:8,.0f} images/s")
    print(f"train.py's loop           {train_py:8,.0f} images/s")
    print(
        f"ratio                     {np.median(ratios):8.3f} "
        f"(from {min(ratios):.3f} to {max(ratios):.3f})"
    )


def images_per_second(fit, epochs, faces):
    """Speed over `epochs` whole epochs, callbacks included; `fit(epochs, callbacks)` trains."""
    import keras

    starts = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: starts.append(time.perf_counter())
    )
    fit(epochs + 2, [clock])
    return epochs * faces / (starts[-1] - starts[1])


def bare_fit(net, recipe, train):
    """A function that trains on arrays with Keras alone."""
    import data_pipeline
    import keypoint_schema
    import models
    from training import from_recipe

    steps = data_pipeline.steps_per_epoch(train, recipe.batch_size)
    model = from_recipe.compiled(models.build(net), recipe, steps)
    keypoints = keypoint_schema.to_normalized(train.keypoints)

    def fit(epochs, callbacks):
        model.fit(
            train.images,
            keypoints,
            batch_size=recipe.batch_size,
            epochs=epochs,
            verbose=0,
            callbacks=callbacks,
        )

    return fit


def train_py_fit(net, recipe, train, valid):
    """A function that trains as train.py does, with a single face to validate."""

    def fit(epochs, callbacks):
        longer = dataclasses.replace(recipe, epochs=epochs)
        short_training.train_net(net, longer, train, valid.rows([0]), 0, callbacks)

    return fit


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
