"""Copies the figures and tables that the tutorial's commands made into docs/tutorial.md.

Run the page's commands in a folder first, then: python docs/update_tutorial.py FOLDER
"""

import pathlib
import re
import shutil

import command_line
from errors import UserError

DOCS = pathlib.Path(__file__).resolve().parent
PAGE = DOCS / "tutorial.md"
_FIGURE = re.compile(r"!\[.*?\]\(figures/(.*?)\)")
# A table stands between its marker and the end marker.
_TABLE = re.compile(r"(<!-- table: (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def main(argv=None):
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where the commands were run")
    folder = parser.parse_args(argv).folder
    text = PAGE.read_text(encoding="utf-8")
    made = {name: newest_figure(name, folder) for name in _FIGURE.findall(text)}
    updated = _TABLE.sub(lambda match: with_table(match, folder), text)
    # Everything is there, so from here on nothing can be missing half-way.
    (DOCS / "figures").mkdir(exist_ok=True)
    for name, figure in made.items():
        shutil.copyfile(figure, DOCS / "figures" / name)
    PAGE.write_text(updated, encoding="utf-8")


def newest_figure(name, folder):
    """The figure, from the newest report that has it."""
    made = list(folder.glob(f"report/*/figures/{name}"))
    if not made:
        raise _not_made(folder, f"report/*/figures/{name}")
    return max(made, key=lambda path: path.stat().st_mtime)


def with_table(match, folder):
    """The marker, and below it the report's tables of nets and of paired comparison."""
    start, file, _, end = match.groups()
    try:
        page = (folder / file).read_text(encoding="utf-8")
    except OSError as error:
        raise _not_made(folder, file) from error
    tables = re.findall(r"\*\*(?:Nets|Paired.*?)\*\*\n\n((?:\|.*\n)+)", page)
    return f"{start}\n" + "\n".join(tables) + f"\n{end}"


def _not_made(folder, file):
    return UserError(
        f"{folder} lacks {file}. Run the commands of {PAGE.name} in it first, or name the folder "
        "where they were run."
    )


if __name__ == "__main__":
    command_line.run(main)
