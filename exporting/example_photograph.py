"""A photograph of two drawn faces, for the check of `serve_photo` and its warm-up."""

import numpy as np

from data_pipeline.synthetic_faces import draw_faces

FACES = 2
_GRAY = 128  # of 255
_MARGIN = 40  # px around each face


def example_photograph():
    """Returns uint8 `(176, 352, 1)`, gray."""
    images, _ = draw_faces(FACES, seed=0)
    margins = ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0))
    framed = [np.pad(image, margins, constant_values=_GRAY) for image in images]
    return np.concatenate(framed, axis=1)
