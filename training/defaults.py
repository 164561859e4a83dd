"""Defaults of train.py's options, in a module that imports nothing heavy."""

ARCHITECTURE = "net7"  # of specialists
SPECIALISTS_PATIENCE = 200  # epochs
ALL_DEVICES = "all"  # what `--devices` calls them
# On the built-in faces, a first run should finish within minutes and still be worth a look: few
# images for each net, and specialists of a kind that learns from so few. The tutorial's nets need
# thousands of steps before they beat the mean face.
BUILT_IN_ARCHITECTURE = "heatmap_s"
BUILT_IN_BUDGET = 24_000  # images
BUILT_IN_SPECIALISTS_BUDGET = 12_000  # images for each of the six
BUILT_IN_RECIPE = "quick"  # where the net has one of that name
