"""Trained nets that come with the project: weights without any training, each with its card."""

from presets.store import PREFIX, is_preset, load_net, load_preset, preset_names, write_preset

__all__ = ["PREFIX", "is_preset", "load_net", "load_preset", "preset_names", "write_preset"]
