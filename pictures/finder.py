"""Finds the faces of some pictures at a time, and draws them."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import command_line
from errors import FailedError
from pictures.annotation import write_annotated
from pictures.detection import FaceDetector
from pictures.finding import find_keypoints
from pictures.reading import UnreadablePictureError, read_picture
from pictures.records import PictureFaces

# A face takes a few times as long if it is predicted alone. The number of faces that are predicted
# together changes the last bits of the answer, so it is the same for any number of processes. Both
# divide the number of pictures in a shard.
_CROPS, _PHOTOGRAPHS = 64, 16


class EndedFinderError(FailedError):
    """What found the faces has ended before its time."""


@dataclasses.dataclass(frozen=True)
class Batch:
    """Pictures whose faces are predicted together.

    Attributes:
        paths: their files.
        drawings: a file for each annotated copy; empty if none are wanted.
    """

    paths: Sequence[pathlib.Path]
    drawings: Sequence[pathlib.Path] = ()


@dataclasses.dataclass(frozen=True)
class About:
    """What there is to know about a finder, wherever it is.

    Attributes:
        settings: what its answers depend on, in JSON's types.
        provenance: what else there is to know about where they come from.
        batch_size: how many pictures a batch should have.
    """

    settings: Mapping
    provenance: Mapping
    batch_size: int


@dataclasses.dataclass(frozen=True)
class Finder:
    """A net and perhaps a detector, loaded.

    Attributes:
        net, detector: as for `find_keypoints`.
        settings, provenance: as for `About`.
    """

    net: object
    detector: FaceDetector | None
    settings: Mapping = dataclasses.field(default_factory=dict)
    provenance: Mapping = dataclasses.field(default_factory=dict)

    @property
    def about(self) -> About:
        """What a process that has only its answers needs to know."""
        batch_size = _PHOTOGRAPHS if self.detector else _CROPS
        return About(self.settings, self.provenance, batch_size)

    def __call__(self, batch: Batch) -> list[PictureFaces]:
        """Finds the faces of a batch and draws them.

        Raises:
            UserError: if a drawing cannot be written.
        """
        found = find_keypoints(batch.paths, self.net, self.detector)
        if not batch.drawings:
            return found
        drawings = zip(found, batch.drawings, strict=True)
        return [_drawn(picture, file) for picture, file in drawings]


def _drawn(picture, file):
    """Draws a picture, if it could be read; returns it, or why it cannot be read any more."""
    if picture.error is not None:
        return picture
    try:
        photograph = read_picture(picture.path)
    except UnreadablePictureError as error:  # it has changed, or gone, since it was read
        return PictureFaces(picture.path, None, [], command_line.writable(str(error)))
    write_annotated(file, photograph, picture.faces)
    return picture


@dataclasses.dataclass(frozen=True)
class Ready:
    """A finder, in this process or in several others.

    Attributes:
        about: the finder.
        find: finds the faces of batches, in their order.
    """

    about: About
    find: Callable[[Iterable[Batch]], Iterator[list[PictureFaces]]]


@contextlib.contextmanager
def in_this_process(load: Callable[[], Finder]) -> Iterator[Ready]:
    """Loads a finder."""
    finder = load()
    yield Ready(finder.about, lambda batches: map(finder, batches))
