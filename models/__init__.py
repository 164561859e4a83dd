"""The zoo: nets and recipes, loss and metrics, warm start, merging specialists."""

import importlib
import typing

if typing.TYPE_CHECKING:
    from models.public import *  # noqa: F403


def __getattr__(name):
    # Not before a name is used: Keras takes seconds, which a wrong name of a net can do without.
    # No name may be that of a module in here, too, or it would be the module's.
    return getattr(importlib.import_module("models.public"), name)
