"""What each part of a recipe contributes: trains a net without it, for several splits and seeds.

    python -m benchmarks.ablation --data ~/data/faces --seeds 1 2 3
    python -m benchmarks.ablation --data ~/data/faces --seeds 1 2 3 --jobs 8

Each seed splits the people anew (the pictures, where it is not known who is in them), so the spread
covers validation faces, initial weights and order together. Changes are compared within a seed.
"""

import dataclasses
import tempfile

import numpy as np

import command_line
from benchmarks import short_training

PROGRAM = "python -m benchmarks.ablation"
WHOLE = "the whole recipe"
CHANGES = {
    WHOLE: {},
    "mirrored labels as if symmetric": {"mirror_offset": False},
    "no cross-entropy on heatmaps": {"heatmap_loss": 0.0},
    "mean squared error instead of Huber": {"loss": "mse"},
    "no averaging of weights": {"averaging": None},
    "no weight decay": {"weight_decay": 0.0},
    "flips as the only augmentation": {"augmentation": "flip"},
    "no augmentation": {"augmentation": "none"},
    "completely labelled faces only": {"rows": "complete"},
}


def main(argv=None):
    arguments = parse_arguments(argv)
    data = short_training.load_data(arguments)
    errors = {change: [] for change in CHANGES}
    with tempfile.TemporaryDirectory(prefix="ablation-") as folder:
        for seed, change, trained in train(arguments, data, folder):
            plain, averaged = judge(trained)
            row = f"seed {seed}, {change}: {plain:.3f} px, flip-averaged {averaged:.3f} px"
            print(row, flush=True)
            errors[change].append((plain, averaged))
    print(f"\n{table(errors, arguments.seeds)}")


def parse_arguments(argv):
    parser = short_training.make_parser(PROGRAM, __doc__, net="heatmap_s", epochs=24)
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[1, 2, 3],
        help="one split and one training of each kind for each (default: 1 2 3)",
    )
    several = parser.add_mutually_exclusive_group()
    several.add_argument(
        "--jobs",
        type=command_line.at_least(1),
        default=1,
        help="train so many nets at a time, each in a process with its share of the cores",
    )
    command_line.add_cluster_argument(
        several,
        "train on a Ray cluster: HOST:PORT, or 'auto' for the one that runs on this machine; the "
        "variable TMPDIR must name a folder that all its nodes share",
    )
    arguments = parser.parse_args(argv)
    arguments.seeds = list(dict.fromkeys(arguments.seeds))  # each has a folder for its nets
    return arguments


def train(arguments, data, folder):
    """Trains with each change for each seed; yields seed, change and the `Trained` net."""
    import keras
    import rich.console

    import data_pipeline
    import models
    from trained_nets.run_folder import RunFolder
    from training.executors.choice import choose
    from training.task import Settings
    from training.variants import Variant, VariantsTask, fit_variants

    recipe = dataclasses.replace(models.find(arguments.net).recipe, epochs=arguments.epochs)
    kinds = {
        f"seed{seed}_{change.replace(' ', '_')}": (seed, change)
        for seed in arguments.seeds
        for change in CHANGES
    }
    variants = [
        Variant(name, dataclasses.replace(recipe, **CHANGES[change]), seed)
        for name, (seed, change) in kinds.items()
    ]
    task = VariantsTask(
        net=arguments.net,
        splits={
            seed: tuple(side.labelled() for side in data_pipeline.split(data, seed))
            for seed in arguments.seeds
        },
        run=RunFolder(folder),
        settings=Settings(arguments.seeds[0], keras.config.dtype_policy().name),
    )
    console = rich.console.Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    for trained in fit_variants(task, variants, console, choose(arguments)):
        yield *kinds[trained.task.model_name], trained


def judge(trained):
    """Returns the RMSE px of a net's plain and of its flip-averaged answers."""
    from evaluation import metrics
    from trained_nets.loading import load_net
    from trained_nets.trained_net import flip_averaged

    net, valid = load_net(trained.task.run.path), trained.task.valid
    return [
        metrics.rmse_px(predictor.predict(valid.images), valid.keypoints).value()
        for predictor in (net, flip_averaged(net))
    ]


def table(errors, seeds):
    """Markdown: the mean RMSE over the seeds, and what each change costs within a seed.

    Args:
        errors: by change, for each seed the RMSE px plain and flip-averaged.
        seeds: in the same order.
    """
    lines = [
        f"| | RMSE px | flip-averaged | difference, by seed ({', '.join(map(str, seeds))}) |",
        "|:--|--:|--:|:--|",
    ]
    for change, of_seeds in errors.items():
        plain, averaged = np.mean(of_seeds, axis=0)
        costs = np.subtract(of_seeds, errors[WHOLE])[:, 1]
        differences = "" if change == WHOLE else " ".join(f"{cost:+.3f}" for cost in costs)
        lines.append(f"| {change} | {plain:.3f} | {averaged:.3f} | {differences} |")
    return "\n".join(lines)


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
