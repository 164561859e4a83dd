"""Writes a file whole or not at all: under a temporary name beside it, then renamed."""

import os
import pathlib
import tempfile

from errors import UserError


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes `content`, with folders where needed.

    Raises:
        UserError: if the path cannot be written.
    """
    path = pathlib.Path(path).expanduser()
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise UserError(f"A file belongs here, but {path} is a folder. Name a file in it.")
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp makes files that only their owner can read; results are for whom the umask says.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        if temporary is not None:
            os.unlink(temporary)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes `text` as UTF-8; otherwise as `write_bytes`."""
    write_bytes(path, text.encode())
