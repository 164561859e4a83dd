"""Chooses how to train the nets of a run."""

import child_processes
import keypoint_schema
import models
from trained_nets import places
from training.executors.cluster import Cluster
from training.executors.parallel import Parallel
from training.executors.processes import Processes, gpu_names
from training.executors.serial import Serial
from training.plan import is_first_look

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
    jobs = arguments.jobs or _default_jobs(arguments)
    if jobs > 1:
        return Parallel(Processes(jobs, gpu_names(models.count_gpus())))
    return Serial()


def _default_jobs(arguments):
    """A first look's trainings are short: a third of their time is their start, on one core."""
    if not is_first_look(arguments) or arguments.devices != 1:
        return 1
    is_specialists = arguments.model == places.SPECIALISTS_MODEL
    nets = len(keypoint_schema.SPECIALISTS) if is_specialists else arguments.folds or 1
    return min(nets, child_processes.count_cores())
