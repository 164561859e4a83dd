"""Clients of a TensorFlow Serving server that holds an exported model, and its configuration."""

from serving.connection import Target, connect

__all__ = ["Target", "connect"]
