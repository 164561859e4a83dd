"""What is said at the end of a training."""

import shlex

import rich.console

import command_line
from trained_nets.run_folder import RunFolder
from training.results import Results
from training.task import Settings


def report(
    results: Results, run: RunFolder, settings: Settings, arguments, console: rich.console.Console
) -> int:
    """Prints errors and what to do next; returns the exit status.

    Args:
        results: of the net, or of all nets together.
        run: where they are.
        settings: of the training.
        arguments: as `training.arguments.parse_arguments` returns them.
        console: where it is printed.
    """
    epochs = command_line.counted(results.epochs_run, "epoch")
    time = f"after {epochs}, {results.seconds:,.0f} s"
    if results.out_of_fold:
        rmse = results.out_of_fold.rmse_px
        console.print(f"\nEach net on the faces that it left out: {rmse:.3f} px, {time}")
    if results.validation:
        if settings.seen_before:
            time += f" (too good: {settings.seen_before:,} of the faces had been seen before)"
        console.print(
            f"\nRMSE on the validation faces: {results.validation.rmse_px:.3f} px {time}",
            style="bold",
        )
        for labeller, errors in results.validation.per_labeller.items():
            console.print(f"by {labeller}'s labels {errors['rmse_px']:.3f} px")
        if per_keypoint := results.validation.rmse_px_per_keypoint:
            worst = max(per_keypoint, key=per_keypoint.get)
            best = min(per_keypoint, key=per_keypoint.get)
            console.print(
                f"best {best} {per_keypoint[best]:.2f} px, "
                f"worst {worst} {per_keypoint[worst]:.2f} px",
            )
    elif results.finished and not results.out_of_fold:
        console.print(f"\nNo faces were held out, so there is no validation error; finished {time}")
    if not results.finished:
        console.print(
            f"Interrupted; the best weights are in {run.path}. "
            "Repeat the command with --resume to go on.",
        )
        return 130
    data = f" --data {shlex.quote(arguments.data[0])}" if arguments.data else ""
    folder = shlex.quote(str(run.path))
    judge = f"  python evaluate.py {folder}{data}\n" * bool(arguments.hold_out)
    console.print(
        f"Saved in {run.path}. Next:\n{judge}"
        f"  python export.py {folder} --out exports/facial_keypoints",
    )
    return 0
