"""What each part of a recipe contributes: trains a net without it, for several splits and seeds.

    python -m benchmarks.ablation --data ~/data/faces --seeds 1 2 3

Each seed splits the people anew (the pictures, where it is not known who is in them), so the spread
covers validation faces, initial weights and order together. Changes are compared within a seed.
"""

import dataclasses

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
    parser = short_training.make_parser(PROGRAM, __doc__, net="heatmap_s", epochs=24)
    short_training.add_seeds(parser, [1, 2, 3])
    arguments = parser.parse_args(argv)
    data = short_training.load_data(arguments)
    errors = {change: [] for change in CHANGES}
    for seed in arguments.seeds:
        for change in CHANGES:
            plain, averaged = measure(arguments, data, change, seed)
            row = f"seed {seed}, {change}: {plain:.3f} px, flip-averaged {averaged:.3f} px"
            print(row, flush=True)
            errors[change].append((plain, averaged))
    print(f"\n{table(errors, arguments.seeds)}")


def measure(arguments, data, change, seed):
    """Trains with the change; returns the RMSE px of plain and of flip-averaged answers."""
    import data_pipeline
    import models
    from evaluation import metrics
    from trained_nets.trained_net import flip_averaged

    recipe = models.find(arguments.net).recipe
    recipe = dataclasses.replace(recipe, epochs=arguments.epochs, **CHANGES[change])
    train, valid = (side.labelled() for side in data_pipeline.split(data, seed))
    net = short_training.train_net(arguments.net, recipe, train.usable(recipe.rows), valid, seed)
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
