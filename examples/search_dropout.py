"""Searches dropout and learning rate for one specialist, with scikit-learn.

The tutorial's conclusion proposes it: each specialist may need its own regularization. Pictures of
one person stay in one fold, where it is known who is in them.
"""

import argparse

import command_line
import keypoint_schema
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
    parser.add_argument("--data", help="Kaggle's files (default: the built-in drawn faces)")
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
    arguments = parser.parse_args(argv)
    if min(arguments.learning_rate) <= 0:
        parser.error(f"--learning-rate must be above 0. Received: {min(arguments.learning_rate)}.")
    return arguments


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    data, names = load(arguments)
    search = fit_search(arguments, data, names)
    show(search, arguments)


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


def fit_search(arguments, data, names):
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.pipeline import Pipeline

    from training.sklearn_estimator import KeypointRegressor

    pipeline = Pipeline(
        [("net", KeypointRegressor(arguments.net, keypoints=names, epochs=arguments.epochs))]
    )
    grid = {
        "net__dropout": [_DROPOUTS[name] for name in arguments.dropout],
        "net__learning_rate": list(arguments.learning_rate),
    }
    # One net at a time: TensorFlow uses all cores for it already.
    search = GridSearchCV(
        pipeline, grid, cv=GroupKFold(arguments.folds), refit=False, error_score="raise"
    )
    labels = data.keypoints.reshape(len(data), -1)
    return search.fit(data.images, labels, groups=data.groups)


def show(search, arguments):
    import numpy as np
    import rich.console
    import rich.table

    results = search.cv_results_
    names = {rates: name for name, rates in _DROPOUTS.items()}
    table = rich.table.Table(
        title=f"{arguments.specialist}: {arguments.net}, {arguments.epochs} epochs, "
        f"{arguments.folds} folds",
        title_justify="left",
        box=None,
    )
    for column in ("dropout", "learning rate", "RMSE px", "± of folds"):
        table.add_column(column, justify="left" if column == "dropout" else "right")
    for i in np.argsort(results["rank_test_score"], kind="stable"):
        rates = results["param_net__dropout"][i]
        table.add_row(
            f"{names[tuple(rates)]} {tuple(rates)}",
            f"{results['param_net__learning_rate'][i]:g}",
            f"{-results['mean_test_score'][i]:.3f}",
            f"{results['std_test_score'][i]:.3f}",
        )
    rich.console.Console().print(table)


if __name__ == "__main__":
    command_line.run(main)
