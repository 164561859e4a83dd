"""From a trained Keras model to a SavedModel for TensorFlow Serving, and to other formats."""

from serving_graph.other_formats import export_other_format
from serving_graph.publishing import new_version, published_versions
from serving_graph.saved_model_export import export_saved_model
from serving_graph.session import open_saved_model
from serving_graph.signatures import SIGNATURES, write_saved_model

__all__ = [
    "SIGNATURES",
    "export_other_format",
    "export_saved_model",
    "new_version",
    "open_saved_model",
    "published_versions",
    "write_saved_model",
]
