"""Chooses how to train the nets of a run."""

import models
from training.executors.cluster import Cluster
from training.executors.parallel import Parallel
from training.executors.processes import Processes, gpu_names
from training.executors.serial import Serial

Executor = Serial | Parallel


def choose(arguments) -> Executor:
    """Returns what `--jobs` and `--cluster` ask for.

    Args:
        arguments: as `training.arguments.parse_arguments` returns them.

    Raises:
        UserError: if Ray is needed, and not installed.
    """
    if arguments.cluster:
        return Parallel(Cluster(arguments.cluster))
    if arguments.jobs > 1:
        return Parallel(Processes(arguments.jobs, gpu_names(models.count_gpus())))
    return Serial()
