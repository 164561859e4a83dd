"""The arrays of a data set, with the names of their keypoints."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np

import keypoint_schema
import labelling
from data_pipeline.content_fingerprint import joined_fingerprint
from data_pipeline.stored_rows import StoredRows

_PIECE = 4096  # faces: half a megabyte of labels


@dataclasses.dataclass(frozen=True)
class FaceData:
    """Faces and their keypoints.

    Attributes:
        images: uint8 `(N, 96, 96, 1)`, 0–255, as an array, or in files as `StoredRows`.
        keypoints: float32 `(N, K, 2)`, px, NaN where unlabelled; an array or `StoredRows`.
        groups: int64 `(N,)`; rows of one group (one picture, one person) are never split apart.
        names: the K keypoints' names.
        fingerprint: identifies the data by its content; see `content_fingerprint`.
        file_fingerprint: what earlier versions recorded instead, the hash of the file.
        description: names them for people.
        grouped_by: what a group is, "image" or "person".
        labellers: names of those who placed the labels.
        labelled_by: int `(N,)`, each row's labeller, as a position in `labellers`.
    """

    images: np.ndarray | StoredRows
    keypoints: np.ndarray | StoredRows
    groups: np.ndarray
    names: tuple[str, ...] = keypoint_schema.NAMES
    fingerprint: str = ""
    file_fingerprint: str = ""
    description: str = ""
    grouped_by: str = "image"
    labellers: tuple[str, ...] = labelling.UNNAMED
    labelled_by: np.ndarray | None = None

    def __post_init__(self):
        if self.labelled_by is None:
            object.__setattr__(self, "labelled_by", np.zeros(len(self.images), np.int8))

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
            labelled_by=self.labelled_by[index],
        )

    def pieces(self) -> Iterator["FaceData"]:
        """The same rows in parts, one after another, each with its labels in memory; at least one.

        What is worked out from millions of labels goes through these, and needs no room for all.
        """
        for first in range(0, max(len(self), 1), _PIECE):
            yield self.rows(slice(first, first + _PIECE)).with_labels_in_memory()

    def with_labels_in_memory(self) -> "FaceData":
        """The same faces with their labels in an array, for what compares all of them at once."""
        return dataclasses.replace(self, keypoints=np.asarray(self.keypoints))

    def of_each_row(self, test: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Calls a test of labels `(n, K, 2)` piece by piece; returns its answers, bool `(N,)`."""
        return np.concatenate([test(each.keypoints) for each in self.pieces()])

    def select(self, names: Sequence[str], complete: bool = True) -> "FaceData":
        """Keeps some keypoints.

        Args:
            names: keypoint names, in the order wanted.
            complete: keep only the rows that carry all these labels; else every row stays, with
                missing labels as NaN.

        Raises:
            ValueError: if a name is unknown.
        """
        subset = self
        if tuple(names) != self.names:
            wanted = keypoint_schema.indices(names)
            own = keypoint_schema.indices(self.names)
            columns = [int(np.flatnonzero(own == i)[0]) for i in wanted]
            keypoints = np.concatenate([piece.keypoints[:, columns] for piece in self.pieces()])
            subset = dataclasses.replace(self, keypoints=keypoints, names=tuple(names))
        return subset.rows(subset.is_complete) if complete else subset

    @property
    def is_complete(self) -> np.ndarray:
        """Which rows carry all labels, bool `(N,)`."""
        return self.of_each_row(lambda keypoints: ~np.isnan(keypoints).any((1, 2)))

    def usable(self, rows: str) -> "FaceData":
        """What a recipe's `rows` means: "complete" rows, or all "labelled" ones."""
        return self.select(self.names) if rows == "complete" else self.labelled()

    def labelled(self) -> "FaceData":
        """The rows that carry any label."""
        is_labelled = self.of_each_row(lambda keypoints: ~np.isnan(keypoints).all((1, 2)))
        return self if is_labelled.all() else self.rows(is_labelled)  # without a copy

    def with_four_point_labeller(self) -> "FaceData":
        """Tells the four-point labeller's rows apart, as `labelling.is_four_point` finds them.

        Call it before `select`: a part of a row's labels does not tell whose they are. A second
        call changes nothing.
        """
        if any(labelling.full(name) != name for name in self.labellers):
            return self
        found = self.of_each_row(
            lambda keypoints: labelling.is_four_point(np.isfinite(keypoints).any(-1), self.names)
        )
        if not found.any():
            return self
        return dataclasses.replace(
            self,
            labellers=self.labellers + tuple(map(labelling.four_point, self.labellers)),
            labelled_by=self.labelled_by + found * len(self.labellers),
        )

    def by_labeller(self) -> np.ndarray:
        """The labels in a net's order.

        Returns:
            float32 `(N, L·K, 2)`, px, as `labelling` explains; NaN except where a row's own
            labeller puts its keypoints.
        """
        if len(self.labellers) == 1:
            return np.asarray(self.keypoints)
        shape = (len(self), len(self.labellers) * len(self.names), 2)
        labels = np.full(shape, np.nan, np.float32)
        np.put_along_axis(labels, self._positions(), np.asarray(self.keypoints), axis=1)
        return labels

    def as_labelled(self, predicted: np.ndarray) -> np.ndarray:
        """Takes from predictions `(N, L·K, 2)` those for each row's labeller, `(N, K, 2)`."""
        if len(self.labellers) == 1:
            return predicted
        return np.take_along_axis(predicted, self._positions(), axis=1)

    @property
    def sources(self) -> np.ndarray:
        """Which of the joined data sets each row is from, int `(N,)`."""
        full = [self.labellers.index(labelling.full(name)) for name in self.labellers]
        return np.array(full)[self.labelled_by]

    def _positions(self):
        each = [labelling.positions(self.labellers, one, self.names) for one in self.labellers]
        return np.stack(each)[self.labelled_by][..., None]


def join(parts: Sequence[FaceData]) -> FaceData:
    """Puts data sets one after another; the groups of different ones stay apart.

    Args:
        parts: at least one, of the same keypoints and of different labellers.
    """
    if len(parts) == 1:
        return parts[0]
    first_groups = np.cumsum([0] + [part.groups.max(initial=-1) + 1 for part in parts[:-1]])
    first_labellers = np.cumsum([0] + [len(part.labellers) for part in parts[:-1]])
    return FaceData(
        images=_joined([part.images for part in parts]),
        keypoints=_joined([part.keypoints for part in parts]),
        groups=np.concatenate(
            [part.groups + first for part, first in zip(parts, first_groups, strict=True)]
        ),
        names=parts[0].names,
        fingerprint=joined_fingerprint([part.fingerprint for part in parts]),
        description=" + ".join(part.description for part in parts),
        grouped_by=" or ".join(dict.fromkeys(part.grouped_by for part in parts)),
        labellers=tuple(name for part in parts for name in part.labellers),
        labelled_by=np.concatenate(
            [part.labelled_by + first for part, first in zip(parts, first_labellers, strict=True)]
        ),
    )


def _joined(parts):
    if any(isinstance(part, StoredRows) for part in parts):
        return StoredRows.joined(parts)
    return np.concatenate(parts)
