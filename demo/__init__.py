"""A page on which to try the nets on photographs; run as `python -m demo`."""
