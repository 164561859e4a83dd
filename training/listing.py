"""What `train.py --list` shows: the zoo and the presets."""

import rich.console

import models
from trained_nets import places


def print_zoo():
    """Prints every net of the zoo, how long specialists of its kind train, and the presets."""
    console = rich.console.Console(soft_wrap=True, highlight=False)
    console.print(models.zoo_table())
    nets_by_budgets = {}
    for name, entry in models.ZOO.items():
        nets_by_budgets.setdefault(entry.specialist_budgets, []).append(name)
    console.print("\nImages for each of the six specialists (--budget):")
    for (from_scratch, after_warm_start), names in nets_by_budgets.items():
        console.print(
            f"  {', '.join(names)}: {from_scratch:,}, after a warm start {after_warm_start:,}"
        )
    trained = ", ".join(f"{places.PRESET_PREFIX}{name}" for name in places.preset_names())
    console.print(f"\nPretrained, and usable wherever a run can be named: {trained}")
