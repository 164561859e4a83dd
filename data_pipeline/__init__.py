"""From Kaggle's files, shards or the built-in drawn faces to `tf.data` batches."""

import importlib
import importlib.util
import typing

if typing.TYPE_CHECKING:
    from data_pipeline.public import *  # noqa: F403


def __getattr__(name):
    # Not before a name is used: TensorFlow takes seconds, which `convert --help` can do without.
    if importlib.util.find_spec(f"{__name__}.{name}"):
        raise AttributeError(name)  # a module in here, which Python then imports by itself
    return getattr(importlib.import_module(f"{__name__}.public"), name)
