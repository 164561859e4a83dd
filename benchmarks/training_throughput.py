"""Images a second through train.py's training loop, and through a bare `model.fit` on arrays.

    python benchmarks/training_throughput.py [--data FOLDER] [--net net2]

Both train the same net with its recipe's optimizer, losses and batch size, on the same complete
faces, in turns, so that other load on the machine strikes both alike. train.py's loop also augments
as the recipe says, and calls its callbacks. Both are timed from the begin of the second epoch (the
first traces the step) to the begin of the last. Reported is the median over the rounds, and the
median of the ratios.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import command_line


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--data", help="as for train.py (default: the built-in drawn faces)")
    parser.add_argument("--net", default="net2", help="of the zoo (default: %(default)s)")
    parser.add_argument(
        "--epochs", type=int, default=4, help="timed epochs a round (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    arguments = parser.parse_args(argv)
    for option in ("epochs", "rounds"):
        value = getattr(arguments, option)
        if value < 1:
            parser.error(f"--{option} must be at least 1. Received: {value}.")
    return arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    import data_pipeline
    import models

    models.set_precision(models.choose_precision(arguments.precision)[0])
    data = data_pipeline.load_faces(arguments.data)
    train, valid = data_pipeline.split(data.select(data.names), seed=0)
    bare, pipeline = bare_fit(arguments.net, train), pipeline_fit(arguments.net, train, valid)
    bare(1)  # traces and warms up
    pipeline(1)
    bare_speeds, pipeline_speeds, ratios = [], [], []
    for _ in range(arguments.rounds):
        bare_speeds.append(bare(arguments.epochs))
        pipeline_speeds.append(pipeline(arguments.epochs))
        ratios.append(pipeline_speeds[-1] / bare_speeds[-1])
    batch = f"batch {models.find(arguments.net).recipe.batch_size}"
    faces, rounds = command_line.counted(len(train), "face"), arguments.rounds
    print(f"{arguments.net}, {batch}, {faces}, median of {command_line.counted(rounds, 'round')}")
    print(f"bare model.fit on arrays  {statistics.median(bare_speeds):8,.0f} images/s")
    print(f"train.py's loop           {statistics.median(pipeline_speeds):8,.0f} images/s")
    print(
        f"ratio                     {statistics.median(ratios):8.3f} "
        f"(from {min(ratios):.3f} to {max(ratios):.3f})"
    )


def epoch_clock():
    """A callback that notes when epochs begin."""
    import keras

    class EpochClock(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.begins = []

        def on_epoch_begin(self, epoch, logs=None):
            self.begins.append(time.perf_counter())

        def images_per_second(self, images):
            """From the second epoch's begin to the last one's: whole epochs, callbacks included."""
            return (len(self.begins) - 2) * images / (self.begins[-1] - self.begins[1])

    return EpochClock()


def bare_fit(net, train):
    """A function that trains for some epochs on arrays and returns images a second."""
    import data_pipeline
    import keypoint_schema
    import models
    from training import from_recipe

    recipe = models.find(net).recipe
    steps = data_pipeline.steps_per_epoch(train, recipe.batch_size)
    model = from_recipe.compiled(models.build(net), recipe, steps)
    keypoints = keypoint_schema.to_normalized(train.keypoints)

    def run(epochs):
        clock = epoch_clock()
        model.fit(
            train.images,
            keypoints,
            batch_size=recipe.batch_size,
            epochs=epochs + 2,
            verbose=0,
            callbacks=[clock],
        )
        return clock.images_per_second(len(train))

    return run


def pipeline_fit(net, train, valid):
    """The same through `fitting.fit`: the pipeline, every callback, one face to validate."""
    import rich.console

    import models
    from trained_nets.run_folder import RunFolder
    from training import fit as fitting
    from training import task as training_task

    quiet = rich.console.Console(quiet=True)
    one_valid_face = valid.rows([0])

    def run(epochs):
        clock = epoch_clock()
        with tempfile.TemporaryDirectory() as folder:
            task = training_task.Task(
                net=net,
                model_name=net,
                recipe=models.find(net).recipe.override({"epochs": epochs + 2}),
                train=train,
                valid=one_valid_face,
                run=RunFolder(folder),
                settings=training_task.Settings(seed=0, precision=""),
            )
            fitting.fit(task, quiet, extra_callbacks=[clock])
        return clock.images_per_second(len(train))

    return run


if __name__ == "__main__":
    command_line.run(main)
