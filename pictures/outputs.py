"""Where found keypoints go, as they are found: CSV, JSON, Parquet shards, or the terminal."""

import contextlib
import csv
import dataclasses
import glob
import io
import json
import pathlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TextIO

import atomic_write
import command_line
from errors import UserError
from pictures import shards
from pictures.records import CSV_COLUMNS, PictureFaces, Tally, csv_rows, json_record
from pictures.video import is_video


class Writer(Protocol):
    """Takes each picture's faces as they are found.

    Attributes:
        ranges: positions of the pictures that it needs, in their order.
        tally: what is written, an earlier run's included.
    """

    ranges: Sequence[range]
    tally: Tally

    def write(self, picture: PictureFaces):
        """Takes the next picture."""


@dataclasses.dataclass(frozen=True)
class Outputs:
    """Where to write: onto the terminal as CSV if nowhere else.

    Attributes:
        file: written as JSON or CSV, by its ending; or, if that is `.parquet`, a folder of shards.
        annotated: a folder for annotated copies of the pictures; or a video's annotated copy.
        resume: whether shards that are there are completed.
    """

    file: pathlib.Path | None = None
    annotated: pathlib.Path | None = None
    resume: bool = False

    @property
    def is_sharded(self) -> bool:
        """Whether what is written stays, however the run ends."""
        return self.file is not None and self.file.suffix.lower() == shards.SUFFIX

    def require_writable(self):
        """Tries both places, before the work, and deletes what killed commands left there.

        Raises:
            UserError: if one cannot be written, or the file has another ending.
        """
        ending = self.file and self.file.suffix.lower()
        if ending not in (None, ".json", ".csv", shards.SUFFIX):
            raise UserError(f"--out must end with .json, .csv or .parquet. Received: {self.file}.")
        if self.resume and not self.is_sharded:
            raise UserError("--resume is for --out FOLDER.parquet; others are written anew.")
        if self.is_sharded:
            shards.require_usable(self.file, self.resume)
        elif self.file:
            atomic_write.require_writable(self.file)
            folder = self.file.resolve().parent  # temporary files lie where a link leads
            atomic_write.remove_leftovers(folder, glob.escape(self.file.name))
        if self.annotated:
            is_file = is_video(self.annotated)
            drawn = self.annotated if is_file else self.annotated / "picture_keypoints.png"
            atomic_write.require_writable(drawn)
            names = glob.escape(drawn.name) if is_file else "*_keypoints.*"
            folder = drawn.resolve().parent if is_file else self.annotated
            atomic_write.remove_leftovers(folder, names)

    @contextlib.contextmanager
    def opened(
        self, number: int = 0, settings: Mapping | None = None, provenance: Mapping | None = None
    ) -> Iterator[Writer]:
        """Yields what writes the pictures.

        A JSON or CSV file gets its name once the block ends; a block that ends by an error leaves
        none.

        Args:
            number: of pictures; 0 if that is not known.
            settings, provenance: as for `Shards`.

        Raises:
            UserError: if a file cannot be written, or shards that are there do not fit.
        """
        if self.is_sharded:
            yield shards.Shards(self.file, number, settings or {}, provenance or {})
            return
        with contextlib.ExitStack() as stack:
            if self.file:
                temporary = stack.enter_context(atomic_write.replacing_file(self.file))
                stream = _Whole(stack.enter_context(open(temporary, "wb", buffering=0)))
            elif self.annotated:
                stream = None
            else:
                stream = sys.stdout
            is_json = self.file is not None and self.file.suffix.lower() == ".json"
            form = _nothing if stream is None else _json if is_json else _csv
            yield _InOrder(stack.enter_context(form(stream)), [range(number)])

    def report(self, tally: Tally):
        """Says what was written."""
        if self.file and tally.pictures:
            print(f"Wrote {self.file}: {command_line.counted(tally.faces, 'face')}.")
        if self.annotated:
            drawn = tally.pictures - tally.unreadable
            print(f"Drew {command_line.counted(drawn, 'picture')} into {self.annotated}.")


class _Whole:
    """A text file that Ctrl-C cannot interrupt amid a `write`, as it can where there is a buffer.

    Python handles signals each time that it empties a buffer, and then drops what should come next.
    """

    def __init__(self, file: io.RawIOBase):
        self._file = file

    def write(self, text: str):
        left = memoryview(text.encode())
        while left:  # a file takes all at once, unless the disk is full
            left = left[self._file.write(left) :]


class _InOrder:
    def __init__(self, write: Callable[[PictureFaces], object], ranges):
        self._write, self.ranges, self.tally = write, ranges, Tally()

    def write(self, picture):
        self._write(picture)
        self.tally.add(Tally.of(picture))


@contextlib.contextmanager
def _nothing(_: None):
    yield lambda picture: None


@contextlib.contextmanager
def _csv(stream: TextIO):
    stream.write(_csv_text([CSV_COLUMNS]))
    # As one text, so that a picture has all of its rows or none.
    yield lambda picture: stream.write(_csv_text(csv_rows(picture)))


def _csv_text(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@contextlib.contextmanager
def _json(stream: TextIO):
    separator = "[\n"

    def write(picture):
        nonlocal separator
        stream.write(separator + json.dumps(json_record(picture), indent=2))
        separator = ",\n"

    yield write
    stream.write("[]\n" if separator == "[\n" else "\n]\n")
