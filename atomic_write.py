"""Writes a file completely or not at all: under a temporary name, flushed, then renamed.

A link stays, and the file that it leads to is replaced.
"""

import contextlib
import os
import pathlib
import re
import shutil
import stat
import tempfile

from errors import UserError


def require_writable(path: str | os.PathLike) -> None:
    """Checks that `write_bytes` will be able to write to `path`, before any long work is done.

    Raises:
        UserError: if the path cannot be written.
    """
    path = pathlib.Path(path)
    try:
        target = _target(path)
        # Missing folders will be created in the deepest one that exists.
        folder = next(each for each in target.parents if each.exists())
        if not folder.is_dir():
            raise UserError(f"{path} cannot be written: {folder} is a file and no folder.")
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(path, error) from error


@contextlib.contextmanager
def replacing(path: str | os.PathLike):
    """Yields a temporary path, and renames it to `path` if the block succeeds.

    The file is flushed to disk first, so a power cut leaves either the old file or the new one.
    Whoever could read the old one can read the new one. The temporary file lies beside it; its name
    begins with `.tmp-`, ends with that of `path`, and differs between processes.

    Raises:
        UserError: if the file cannot be written.
    """
    path = pathlib.Path(path)
    with refusals_named(path):
        target = _target(path)
        temporary = target.with_name(f".tmp-{os.getpid()}-{path.name}")
        try:
            yield temporary
            flush(temporary)
            with contextlib.suppress(FileNotFoundError):  # no old one
                shutil.copymode(target, temporary)
            os.replace(temporary, target)
            flush(target.parent)
        finally:
            with contextlib.suppress(OSError):  # the first error says more
                temporary.unlink()


@contextlib.contextmanager
def refusals_named(path: str | os.PathLike):
    """Turns an `OSError` in the block into a `UserError` that says that `path` cannot be written.

    The operating system's own error for a full disk names no file.
    """
    try:
        yield
    except BrokenPipeError:  # of the terminal, which `command_line.run` ends quietly
        raise
    except OSError as error:
        raise _unwritable(path, error) from error


def remove_leftovers(folder: str | os.PathLike, names: str = "*") -> None:
    """Deletes the temporary files in a folder whose processes were killed while writing them.

    Args:
        folder: it may not exist.
        names: a pattern for the files that they were to become, where others may lie there, too.
    """
    if os.name != "posix":  # elsewhere there is no harmless way to ask whether a process runs
        return
    for file in pathlib.Path(folder).glob(f".tmp-*-{names}"):
        number = re.match(r"\.tmp-([0-9]+)-", file.name)
        if number and not _is_running(int(number[1])):
            with contextlib.suppress(OSError):
                file.unlink()


@contextlib.contextmanager
def replacing_file(path: str | os.PathLike):
    """Like `replacing`, for a path that a person named: creates any missing folders.

    Raises:
        UserError: if the path cannot be written.
    """
    with refusals_named(path):
        _target(path).parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            yield temporary


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Writes `content` to `path`, creating any missing folders.

    Raises:
        UserError: if the path cannot be written.
    """
    with replacing_file(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` as UTF-8, like `write_bytes`; what UTF-8 cannot hold becomes escapes."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def flush(path: str | os.PathLike) -> None:
    """Waits until a file's content, or a folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_running(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another person's process; no process number
        return True
    return True


def _target(path):
    """Returns the file to be replaced, which links may lead to; refuses whatever is no file."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        mode = os.stat(path).st_mode
        rule = f"The output must be a file, but {path} is"
        if stat.S_ISDIR(mode):
            raise UserError(f"{rule} a folder. Name a file in it.")
        if not stat.S_ISREG(mode):
            raise UserError(f"{rule} a device, a pipe or a socket. Name another path.")
    return pathlib.Path(os.path.realpath(path))


def _unwritable(path, error):
    return UserError(f"{path} cannot be written: {error.strerror or error}.")
