"""The built-in faces: drawn from a seed, with exact keypoints, so that nothing is downloaded.

`style` makes the random choices, `head` poses a solid head and projects its keypoints, `paint` and
`scene` draw it; `labels` hides labels as often as Kaggle's table does.
"""

from data_pipeline.synthetic_faces.draw import draw_faces
from data_pipeline.synthetic_faces.labels import hide_labels

__all__ = ["draw_faces", "hide_labels"]
