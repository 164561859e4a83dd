"""What the benchmarks that train share: options, data, and a training that prints nothing."""

import tempfile

import command_line
import tensorflow_start


def make_parser(program, description, net, epochs, several=False):
    """A parser with `--data`, `--net`, `--epochs` and `--precision`.

    Args:
        program, description: of the command.
        net, epochs: defaults.
        several: whether `--data` may be repeated.
    """
    parser = command_line.Parser(prog=program, description=description)
    command_line.add_data_argument(parser, several)
    parser.add_argument("--net", default=net, help="of the zoo (default: %(default)s)")
    parser.add_argument(
        "--epochs", type=command_line.at_least(1), default=epochs, help="(default: %(default)s)"
    )
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto")
    return parser


def load_data(arguments):
    """Sets the precision and loads the faces that the options name."""
    tensorflow_start.start_quietly()
    import data_pipeline
    import models

    models.set_precision(models.choose_precision(arguments.precision)[0])
    paths = arguments.data if isinstance(arguments.data, list) else [arguments.data]
    return data_pipeline.join([data_pipeline.load_faces(path) for path in paths or [None]])


def train_net(net, recipe, train, valid, seed, extra_callbacks=()):
    """Trains as train.py does, in a temporary folder.

    Args:
        net: the zoo entry's name.
        recipe: how to train it.
        train: the training rows.
        valid: the validation rows.
        seed: decides initial weights, order and augmentation.
        extra_callbacks: called after all others.

    Returns:
        The `TrainedNet` with the best weights.
    """
    import keras
    import rich.console

    from trained_nets.loading import load_net
    from trained_nets.run_folder import RunFolder
    from training.fit import fit
    from training.task import Settings, Task

    with tempfile.TemporaryDirectory() as folder:
        task = Task(
            net=net,
            model_name=net,
            recipe=recipe,
            train=train,
            valid=valid,
            run=RunFolder(folder),
            settings=Settings(seed, keras.config.dtype_policy().name),
        )
        fit(task, rich.console.Console(quiet=True), extra_callbacks=extra_callbacks)
        return load_net(folder)
