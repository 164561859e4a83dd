"""Exports a trained Keras model as a SavedModel for TensorFlow Serving, or in other formats."""

from exporting.saved_model_export import export_saved_model
from exporting.session import open_saved_model
from exporting.signatures import write_saved_model

__all__ = [
    "export_saved_model",
    "open_saved_model",
    "write_saved_model",
]
