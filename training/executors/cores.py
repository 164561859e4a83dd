"""How many threads each of several trainings gets."""

import os

_VARIABLE = "TF_NUM_INTRAOP_THREADS"  # which TensorFlow reads when it starts


def available() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads(threads: int):
    """Limits the threads of TensorFlow's operations in this process, unless the person does.

    Call it before TensorFlow starts.
    """
    os.environ.setdefault(_VARIABLE, str(threads))
