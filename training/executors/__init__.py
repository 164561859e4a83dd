"""The ways to train the nets of a run: one after another, in processes, or on a Ray cluster."""
