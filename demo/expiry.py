"""Deletes the files that visitors sent once they are ten minutes old.

Gradio's own `delete_cache` knows only files that came completely, not those that broke off.
"""

import contextlib
import os
import pathlib
import threading
import time

SECONDS = 600


def expire(folder: str | os.PathLike) -> None:
    """Deletes old files in a folder, again and again, as long as the process lives."""
    threading.Thread(target=_expire, args=(folder,), daemon=True).start()


def _expire(folder):
    while True:
        time.sleep(SECONDS)
        delete_old(folder)


def delete_old(folder: str | os.PathLike) -> None:
    """Deletes the files in a folder, and below, that nobody has written to for `SECONDS`."""
    for file in pathlib.Path(folder).rglob("*"):
        with contextlib.suppress(OSError):  # a folder, or the file is gone already
            if file.is_file() and time.time() - file.stat().st_mtime > SECONDS:
                file.unlink()
