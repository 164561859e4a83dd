"""From Kaggle's files, shards or the built-in drawn faces to `tf.data` batches."""

import importlib
import typing

if typing.TYPE_CHECKING:
    from data_pipeline.public import *  # noqa: F403


def __getattr__(name):
    # Not before a name is used: TensorFlow takes seconds, which `convert --help` can do without.
    return getattr(importlib.import_module("data_pipeline.public"), name)
