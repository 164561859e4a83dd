"""Training: what train.py does once its options are parsed."""
