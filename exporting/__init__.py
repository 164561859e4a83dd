"""Exports a trained Keras model as a SavedModel for TensorFlow Serving, or in other formats."""

from exporting.other_formats import export_other_format
from exporting.publishing import new_version, published_versions
from exporting.saved_model_export import export_saved_model
from exporting.session import open_saved_model
from exporting.signatures import SIGNATURES, write_saved_model

__all__ = [
    "SIGNATURES",
    "export_other_format",
    "export_saved_model",
    "new_version",
    "open_saved_model",
    "published_versions",
    "write_saved_model",
]
