"""The commit of this code, also in a copy without its history."""

import pathlib
import subprocess

_ROOT = pathlib.Path(__file__).parent
FILE = _ROOT / "git_commit.txt"  # in a copy of the code for another machine


def git_commit() -> str | None:
    """Returns it, with `-dirty` if files differ from it; None outside a checkout."""
    if FILE.exists():
        return FILE.read_text() or None
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:  # git is not installed
        return None
    return found.stdout.strip() or None
