"""Writes a file whole or not at all: under a temporary name beside it, then renamed."""

import os
import pathlib
import tempfile

from errors import UserError


def require_writable(path: pathlib.Path) -> None:
    """Tries what `write_bytes` needs, before the work whose result goes there; leaves nothing.

    Raises:
        UserError: if the path cannot be written.
    """
    path = pathlib.Path(path).expanduser()
    try:
        _refuse_folder(path)
        # Folders that are not there yet will be made in the last one that is.
        folder = next(each for each in path.parents if each.exists())
        if not folder.is_dir():
            raise UserError(f"{path} cannot be written: {folder} is a file and no folder.")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error


def write_bytes(path: pathlib.Path, content: bytes) -> None:
    """Writes `content`, with folders where needed.

    Raises:
        UserError: if the path cannot be written.
    """
    path = pathlib.Path(path).expanduser()
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_folder(path)
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
        raise _unwritable(path, error) from error
    finally:
        if temporary is not None:
            os.unlink(temporary)


def write_text(path: pathlib.Path, text: str) -> None:
    """Writes `text` as UTF-8; otherwise as `write_bytes`."""
    write_bytes(path, text.encode())


def _refuse_folder(path):
    if path.is_dir():
        raise UserError(f"A file belongs here, but {path} is a folder. Name a file in it.")


def _unwritable(path, error):
    return UserError(f"{path} cannot be written: {error.strerror or error}.")
