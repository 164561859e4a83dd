"""Where found keypoints go: a CSV or JSON file, drawings, or the terminal, as they are found."""

import contextlib
import csv
import dataclasses
import json
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence

import atomic_write
import command_line
from pictures.annotated_files import annotated_files
from pictures.annotation import write_annotated
from pictures.reading import read_picture
from pictures.records import CSV_COLUMNS, PictureFaces, csv_rows, json_record
from pictures.video import is_video


@dataclasses.dataclass(frozen=True)
class Outputs:
    """Takes each picture's faces as they are found; onto the terminal as CSV if nowhere else.

    Attributes:
        file: written as JSON or CSV, by its ending.
        annotated: a folder for annotated copies of the pictures; or a video's annotated copy.
    """

    file: pathlib.Path | None = None
    annotated: pathlib.Path | None = None

    def require_writable(self):
        """Tries both places, before the work.

        Raises:
            UserError: if one cannot be written.
        """
        if self.file:
            atomic_write.require_writable(self.file)
        if self.annotated:
            is_file = is_video(self.annotated)
            drawn = self.annotated if is_file else self.annotated / "picture_keypoints.png"
            atomic_write.require_writable(drawn)

    @contextlib.contextmanager
    def opened(self, inputs: Sequence[pathlib.Path]) -> Iterator[Callable[[PictureFaces], None]]:
        """Yields a function that writes one picture's faces.

        The file gets its name once the block ends; a block that ends by an error leaves none.

        Args:
            inputs: the pictures to come, in their order; none of them is overwritten.

        Raises:
            UserError: if a file cannot be written.
        """
        writers = []
        with contextlib.ExitStack() as stack:
            if self.file:
                temporary = stack.enter_context(atomic_write.replacing_file(self.file))
                stream = stack.enter_context(open(temporary, "w", encoding="utf-8"))
                is_json = self.file.suffix.lower() == ".json"
                writers.append(stack.enter_context((_json if is_json else _csv)(stream)))
            if self.annotated:
                writers.append(self._drawing(inputs))
            if not writers:
                writers.append(stack.enter_context(_csv(sys.stdout)))

            def write(picture):
                for each in writers:
                    each(picture)

            yield write

    def _drawing(self, inputs):
        files = annotated_files(inputs, self.annotated, inputs)
        places = {}
        for path, file in zip(inputs, files, strict=True):
            places.setdefault(path, file)  # the same picture, named twice, has one drawing

        def draw(picture):
            write_annotated(places[picture.path], read_picture(picture.path), picture.faces)

        return draw

    def report(self, pictures: int, faces: int):
        """Says what was written."""
        if self.file:
            print(f"Wrote {self.file}: {command_line.counted(faces, 'face')}.")
        if self.annotated:
            print(f"Drew {command_line.counted(pictures, 'picture')} into {self.annotated}.")


@contextlib.contextmanager
def _csv(stream):
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(CSV_COLUMNS)
    yield lambda picture: table.writerows(csv_rows(picture))


@contextlib.contextmanager
def _json(stream):
    separator = "[\n"

    def write(picture):
        nonlocal separator
        stream.write(separator + json.dumps(json_record(picture), indent=2))
        separator = ",\n"

    yield write
    stream.write("[]\n" if separator == "[\n" else "\n]\n")
