"""Searches dropout and learning rate for one specialist, with scikit-learn.

The tutorial's conclusion proposes it: each specialist may need its own regularization. Pictures of
one person stay in one fold, where it is known who is in them.
"""

import argparse

import command_line
import keypoint_schema
import tensorflow_start
from errors import UserError

_DROPOUTS = {
    "none": (0.0, 0.0, 0.0, 0.0),
    "light": (0.05, 0.1, 0.15, 0.25),
    "tutorial": (0.1, 0.2, 0.3, 0.5),
    "heavy": (0.2, 0.3, 0.4, 0.6),
}
_LEARNING_RATES = (0.01, 0.03)
_EXAMPLES = """examples:
  python examples/search_dropout.py                          a trial on 300 drawn faces
  python examples/search_dropout.py --specialist bottom_lip --data ~/data/facial-keypoints \\
      --faces 0 --epochs 300
  python examples/search_dropout.py --cluster auto           on a Ray cluster
"""


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    names = [specialist.name for specialist in keypoint_schema.SPECIALISTS]
    parser.add_argument("--specialist", choices=names, default="nose_tip")
    parser.add_argument("--net", default="net6", help="a net with dropout (default: net6)")
    command_line.add_data_argument(parser)
    for option, least, default, about in (
        ("--epochs", 1, 5, "of each net"),
        ("--faces", 0, 300, "use the first so many; 0 for all"),
        ("--folds", 2, 3, "of the cross-validation"),
    ):
        parser.add_argument(
            option,
            type=command_line.at_least(least),
            default=default,
            help=f"{about} (default: {default})",
        )
    parser.add_argument("--dropout", nargs="+", choices=_DROPOUTS, default=list(_DROPOUTS))
    parser.add_argument("--learning-rate", nargs="+", type=float, default=_LEARNING_RATES)
    command_line.add_cluster_argument(
        parser,
        'search on a Ray cluster ("auto": that of this machine), where ASHA stops bad trials',
    )
    arguments = parser.parse_args(argv)
    if min(arguments.learning_rate) <= 0:
        parser.error(f"--learning-rate must be above 0. Received: {min(arguments.learning_rate)}.")
    return arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    tensorflow_start.start_quietly()
    data, names = load(arguments)
    show(cross_validate(arguments, data, names), arguments)


def load(arguments):
    """Rows with any label of the specialist (missing ones stay NaN), and its keypoints' names.

    Raises:
        UserError: if there are fewer people than folds.
    """
    import numpy as np

    import data_pipeline

    names = next(
        each.keypoints for each in keypoint_schema.SPECIALISTS if each.name == arguments.specialist
    )
    data = data_pipeline.load_faces(arguments.data).select(names, complete=False)
    labelled = np.flatnonzero(np.isfinite(data.keypoints).any((1, 2)))
    data = data.rows(labelled[: arguments.faces or None])
    people = len(np.unique(data.groups))
    if people < arguments.folds:
        raise UserError(
            f"--folds must be at most {people}, the number of {data.grouped_by}s with a label of "
            f"{arguments.specialist} among these faces. Received: {arguments.folds}."
        )
    return data, names


def cross_validate(arguments, data, names):
    """Trains with all settings; returns `Trial`s."""
    from sklearn.model_selection import GridSearchCV, GroupKFold, ParameterGrid

    from training.search import Trial, search
    from training.sklearn_estimator import KeypointRegressor

    net = KeypointRegressor(arguments.net, keypoints=names, epochs=arguments.epochs)
    grid = {
        "dropout": [_DROPOUTS[name] for name in arguments.dropout],
        "learning_rate": list(arguments.learning_rate),
    }
    images, labels = data.images, data.keypoints.reshape(len(data), -1)
    folds = list(GroupKFold(arguments.folds).split(images, labels, data.groups))
    if arguments.cluster:
        faces = images, labels
        return search(arguments.cluster, net, list(ParameterGrid(grid)), faces, folds)
    # One net at a time: TensorFlow uses all cores for it already.
    found = GridSearchCV(net, grid, cv=folds, refit=False, error_score="raise")
    found = found.fit(images, labels).cv_results_
    return [
        Trial(settings, -score, std, arguments.epochs)
        for settings, score, std in zip(
            found["params"], found["mean_test_score"], found["std_test_score"], strict=True
        )
    ]


def show(trials, arguments):
    import numpy as np
    import rich.console
    import rich.table

    names = {rates: name for name, rates in _DROPOUTS.items()}
    table = rich.table.Table(
        title=f"{arguments.specialist}: {arguments.net}, {arguments.epochs} epochs, "
        f"{arguments.folds} folds",
        title_justify="left",
        box=None,
    )
    columns = ["dropout", "learning rate", "RMSE px", "± of folds", "epochs"]
    for column in columns if arguments.cluster else columns[:-1]:
        table.add_column(column, justify="left" if column == "dropout" else "right")
    # The error of a trial that was stopped early says less than that of one that was not.
    worst = np.inf  # of a net that diverged
    for trial in sorted(trials, key=lambda t: (-t.epochs, np.nan_to_num(t.rmse_px, nan=worst))):
        rates = trial.settings["dropout"]
        row = [
            f"{names[rates]} {rates}",
            f"{trial.settings['learning_rate']:g}",
            f"{trial.rmse_px:.3f}",
            f"{trial.std_px:.3f}",
            f"{trial.epochs}" + ", stopped" * trial.stopped,
        ]
        table.add_row(*row[: len(table.columns)])
    rich.console.Console().print(table)
    stopped = [trial for trial in trials if trial.stopped]
    if stopped:
        trained = sum(trial.epochs for trial in trials)
        print(
            f"ASHA stopped {len(stopped)} of {len(trials)} trials, after {trained} of "
            f"{arguments.epochs * len(trials)} epochs in all."
        )


if __name__ == "__main__":
    command_line.run(main)
