"""Clients of a TensorFlow Serving server that holds an exported model, and its configuration."""

from serving.connection import connect
from serving.target import Target

__all__ = ["Target", "connect"]
