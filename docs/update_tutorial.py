"""Copies the figures and tables of the tutorial's reports into docs/tutorial.md.

Run commands of the page in a folder first, then: python docs/update_tutorial.py FOLDER

The page's figure `figures/NAME/x.svg` is `report/NAME/figures/x.svg`. What belongs to a report that
the folder lacks stays as it is.
"""

import pathlib
import re
import shutil

import command_line
from errors import UserError

DOCS = pathlib.Path(__file__).resolve().parent
PAGE = DOCS / "tutorial.md"
_FIGURE = re.compile(r"!\[.*?\]\(figures/(.*?)/(.*?)\)")
# A table stands between its marker, which names its report, and the end marker.
_TABLE = re.compile(r"(<!-- table: report/(.*?)/tables.md -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def main(argv=None):
    parser = command_line.Parser(description=__doc__)
    parser.add_argument("folder", type=command_line.path, help="where the commands were run")
    folder = parser.parse_args(argv).folder
    text = PAGE.read_text(encoding="utf-8")
    tables = [report for _, report, _, _ in _TABLE.findall(text)]
    figures = _FIGURE.findall(text)
    reports = sorted({*tables, *(report for report, _ in figures)})
    there = [report for report in reports if (folder / "report" / report).is_dir()]
    if not there:
        raise UserError(
            f"{folder} lacks report/{', report/'.join(reports)}. Run the commands of {PAGE.name} "
            "in it first, or name the folder where they were run."
        )
    made = [
        existing(folder / "report" / report / "figures" / name)
        for report, name in figures
        if report in there
    ]
    updated = _TABLE.sub(lambda match: with_table(match, folder, there), text)
    # Everything is there, so from here on nothing can be missing half-way.
    for figure in made:
        copy = DOCS / "figures" / figure.parent.parent.name / figure.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(figure, copy)
    PAGE.write_text(updated, encoding="utf-8")
    print(f"Updated from report/{', report/'.join(there)}.")


def existing(file):
    if not file.is_file():
        raise UserError(f"{file} is not there, but its report is. Make the report anew.")
    return file


def with_table(match, folder, reports):
    """The marker, and below it the report's tables of nets and of paired comparison."""
    start, report, _, end = match.groups()
    if report not in reports:
        return match[0]
    page = existing(folder / "report" / report / "tables.md").read_text(encoding="utf-8")
    tables = re.findall(r"\*\*(?:Nets|Paired.*?)\*\*\n\n((?:\|.*\n)+)", page)
    return f"{start}\n" + "\n".join(tables) + f"\n{end}"


if __name__ == "__main__":
    command_line.run(main)
