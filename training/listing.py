"""What `train.py --list` shows: the zoo and the presets."""

import rich.console

import models
from trained_nets import preset_store
from trained_nets.places import PRESET_PREFIX


def print_zoo():
    """Prints every net of the zoo, how long specialists of its kind train, and the presets."""
    console = rich.console.Console(soft_wrap=True, highlight=False)
    console.print(models.zoo_table())
    nets_by_budgets = {}
    for name, entry in models.ZOO.items():
        nets_by_budgets.setdefault(entry.specialist_budgets, []).append(name)
    console.print("\nImages that each of six specialists sees (--budget):")
    for (from_scratch, after_warm_start), names in nets_by_budgets.items():
        console.print(
            f"  {', '.join(names)}: {from_scratch:,}, after a warm start {after_warm_start:,}"
        )
    trained = ", ".join(f"{PRESET_PREFIX}{name}" for name in preset_store.preset_names())
    console.print(f"\nAlready trained, and usable wherever a run may be named: {trained}")
