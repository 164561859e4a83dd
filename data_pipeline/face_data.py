"""The arrays of a data set, with the names of their keypoints."""

import dataclasses
from collections.abc import Sequence

import numpy as np

import keypoint_schema


@dataclasses.dataclass(frozen=True)
class FaceData:
    """Faces and their keypoints.

    Attributes:
        images: uint8 `(N, 96, 96, 1)`, 0–255.
        keypoints: float32 `(N, K, 2)`, px, NaN where unlabelled.
        groups: int64 `(N,)`; rows of one group (one picture, one person) are never split apart.
        names: the K keypoints' names.
        fingerprint: identifies the data by its content; see `content_fingerprint`.
        file_fingerprint: what earlier versions recorded instead, the hash of the file.
        description: names them for people.
        grouped_by: what a group is, "image" or "person".
        four_point: bool `(N,)`, the four-point labeller's rows, as `keypoint_schema.is_four_point`
            finds them; `rows`, `select` and `dataclasses.replace` hand it on, for a part of a row's
            labels does not tell.
    """

    images: np.ndarray
    keypoints: np.ndarray
    groups: np.ndarray
    names: tuple[str, ...] = keypoint_schema.NAMES
    fingerprint: str = ""
    file_fingerprint: str = ""
    description: str = ""
    grouped_by: str = "image"
    four_point: np.ndarray | None = None

    def __post_init__(self):
        if self.four_point is None:
            labelled = np.isfinite(self.keypoints).any(-1)
            found = keypoint_schema.is_four_point(labelled, self.names)
            object.__setattr__(self, "four_point", found)

    def __len__(self):
        return len(self.images)

    def is_known_as(self, recorded: str) -> bool:
        """Returns whether this or an earlier version recorded that fingerprint for this data."""
        return recorded in (self.fingerprint, self.file_fingerprint or self.fingerprint)

    def rows(self, index) -> "FaceData":
        """The rows of an index array or mask, in its order."""
        return dataclasses.replace(
            self,
            images=self.images[index],
            keypoints=self.keypoints[index],
            groups=self.groups[index],
            four_point=self.four_point[index],
        )

    def select(self, names: Sequence[str], complete: bool = True) -> "FaceData":
        """Keeps some keypoints.

        Args:
            names: keypoint names, in the order wanted.
            complete: keep only the rows that carry all these labels; else every row stays, with
                missing labels as NaN.

        Raises:
            ValueError: if a name is unknown.
        """
        wanted = keypoint_schema.indices(names)
        own = keypoint_schema.indices(self.names)
        keypoints = self.keypoints[:, [int(np.flatnonzero(own == i)[0]) for i in wanted]]
        subset = dataclasses.replace(self, keypoints=keypoints, names=tuple(names))
        if not complete:
            return subset
        return subset.rows(~np.isnan(keypoints).any(axis=(1, 2)))

    def usable(self, rows: str) -> "FaceData":
        """What a recipe's `rows` means: "complete" rows, or all "labelled" ones."""
        return self.select(self.names) if rows == "complete" else self.labelled()

    def labelled(self) -> "FaceData":
        """The rows that carry any label."""
        return self.rows(~np.isnan(self.keypoints).all(axis=(1, 2)))

    @property
    def by_four_point_labeller(self) -> np.ndarray:
        """Which keypoints of which rows are the four-point labeller's to place, bool `(N, K)`."""
        return self.four_point[:, None] & np.isin(self.names, keypoint_schema.FOUR_POINTS)

    def by_labeller(self) -> np.ndarray:
        """The labels with a place for each labeller: their keypoints are not the same ones.

        Returns:
            float32 `(N, 2K, 2)`, px: first the K keypoints as the full labeller puts them, then as
            the four-point labeller does; NaN where a row has none from this one. Where a row of the
            four-point labeller was given labels for other keypoints, these count as the full
            labeller's.
        """
        four_point = self.by_four_point_labeller[..., None]
        missing = np.float32(np.nan)
        full = np.where(four_point, missing, self.keypoints)
        return np.concatenate([full, np.where(four_point, self.keypoints, missing)], axis=1)
