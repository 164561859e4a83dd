"""Puts the figures and tables that the tutorial's commands made into docs/tutorial.md.

Run the page's commands in a folder first, then: python docs/update_tutorial.py FOLDER
"""

import argparse
import pathlib
import re
import shutil

DOCS = pathlib.Path(__file__).resolve().parent
PAGE = DOCS / "tutorial.md"
# A table stands between its marker and the end marker.
_TABLE = re.compile(r"(<!-- table: (\S+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="where the commands were run")
    folder = parser.parse_args().folder
    text = PAGE.read_text()
    copy_figures(text, folder)
    PAGE.write_text(_TABLE.sub(lambda match: with_table(match, folder), text))


def copy_figures(text, folder):
    """Copies each figure that the page shows from the last report that has it."""
    (DOCS / "figures").mkdir(exist_ok=True)
    for name in re.findall(r"!\[.*?\]\(figures/(.*?)\)", text):
        made = folder.glob(f"report/*/figures/{name}")
        shutil.copyfile(max(made, key=lambda path: path.stat().st_mtime), DOCS / "figures" / name)


def with_table(match, folder):
    """The marker with the tables of nets and of paired comparison below it."""
    start, file, _, end = match.groups()
    tables = re.findall(r"\*\*(?:Nets|Paired.*?)\*\*\n\n((?:\|.*\n)+)", (folder / file).read_text())
    return f"{start}\n" + "\n".join(tables) + f"\n{end}"


if __name__ == "__main__":
    main()
