"""Whether there is a data set where a person says; nothing here imports TensorFlow."""

from data_pipeline.kaggle_files import find_table
from data_pipeline.shards import is_shards


def require_faces(data: str | None):
    """Checks that `load_faces` would find what it is asked for, without reading it.

    Args:
        data: as for `load_faces`.

    Raises:
        UserError: if there is nothing, or nothing of the kind.
    """
    if data is not None and not is_shards(data):
        find_table(data, "training")
