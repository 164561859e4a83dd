"""Downloads the competition's files: python -m data_pipeline.download"""

import pathlib
import shutil

import command_line
from data_pipeline.kaggle_files import COMPETITION
from errors import UserError, first_line

_PROGRAM = "python -m data_pipeline.download"
_BY_HAND = (
    f"By hand: accept the rules at https://www.kaggle.com/competitions/{COMPETITION}/data, "
    "download all, and give the zip to --data."
)


def download(to: pathlib.Path | None = None) -> pathlib.Path:
    """Fetches the files with `kagglehub`.

    Args:
        to: a folder to copy them into; None leaves them in kagglehub's cache.

    Returns:
        The folder for `--data`.

    Raises:
        UserError: without kagglehub, credentials or network, saying what to do by hand.
    """
    try:
        import kagglehub
    except ImportError as error:
        raise UserError(
            f"kagglehub is missing: pip install -e '.[download]'. {_BY_HAND}"
        ) from error
    try:
        folder = pathlib.Path(kagglehub.competition_download(COMPETITION))
    # kagglehub passes on whatever its HTTP client raises, with no common base class of its own.
    except Exception as error:
        raise UserError(
            f"Kaggle did not hand over the files ({first_line(error)}). {_BY_HAND}"
        ) from error
    if to is None:
        return folder
    try:
        shutil.copytree(folder, to, dirs_exist_ok=True)
    except OSError as error:
        raise UserError(f"{to} cannot be written: {error}.") from error
    return to


def main(argv=None):
    parser = command_line.Parser(prog=_PROGRAM, description=__doc__)
    parser.add_argument("--to", type=command_line.path, help="folder to copy the files into")
    folder = download(parser.parse_args(argv).to)
    print(f"Downloaded. Train with: python train.py --model net1 --data {folder}")


if __name__ == "__main__":
    command_line.run(main, _PROGRAM)
