"""What train.py takes where a person says nothing, known before anything heavy is imported."""

ARCHITECTURE = "net7"  # of specialists
# On the built-in faces a first run is to be over within minutes and still worth a look: few images
# for each net, and specialists of a kind that learns from so few. The tutorial's nets need
# thousands of steps before they do better than the mean face.
BUILT_IN_ARCHITECTURE = "heatmap_s"
BUILT_IN_BUDGET = 24_000  # images
BUILT_IN_SPECIALISTS_BUDGET = 16_000  # images for each of the six
