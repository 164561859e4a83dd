"""Trained nets: run folders and presets, loaded, asked, and held against what they have seen."""
