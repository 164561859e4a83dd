"""The zoo: nets and recipes, loss and metrics, warm start, merging specialists."""

import importlib
import importlib.util
import typing

if typing.TYPE_CHECKING:
    from models.public import *  # noqa: F403


def __getattr__(name):
    # Not before a name is used: Keras takes seconds, which a wrong name of a net can do without.
    if importlib.util.find_spec(f"{__name__}.{name}"):
        raise AttributeError(name)  # a module in here, which Python then imports by itself
    return getattr(importlib.import_module(f"{__name__}.public"), name)
