"""Scripts behind the figures in the README and docs/: `python -m benchmarks.NAME`."""
