"""docs/update_tutorial.py: takes over the reports that a folder has, and leaves others alone."""

import runpy

import pytest

from errors import UserError
from tests import ROOT

PAGE = """# A page
![Curve](figures/nets/curve.svg)
![Other](figures/real/curve.svg)
<!-- table: report/nets/tables.md -->
old
<!-- end -->
<!-- table: report/real/tables.md -->
| real |
<!-- end -->
"""
TABLES = "**Nets**\n\n| net |\n| :-- |\n| net1 |\n\n**Others**\n\n| left out |\n"


@pytest.fixture
def update(tmp_path):
    """The script's `main` for a page of its own in tmp_path/docs."""
    main = runpy.run_path(str(ROOT / "docs" / "update_tutorial.py"))["main"]
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "tutorial.md").write_text(PAGE)
    main.__globals__.update(DOCS=docs, PAGE=docs / "tutorial.md")
    return main


def write_report(tmp_path, name):
    figures = tmp_path / "run" / "report" / name / "figures"
    figures.mkdir(parents=True)
    (figures / "curve.svg").write_text(f"curve of {name}")
    (figures.parent / "tables.md").write_text(TABLES)
    return figures


def test_only_the_report_that_is_there_is_taken_over(update, tmp_path, capsys):
    write_report(tmp_path, "nets")
    update([str(tmp_path / "run")])
    page = (tmp_path / "docs" / "tutorial.md").read_text()
    expected = "\n| net |\n| :-- |\n| net1 |\n\n"
    assert page == PAGE.replace("old\n", expected)
    assert (tmp_path / "docs" / "figures" / "nets" / "curve.svg").read_text() == "curve of nets"
    assert not (tmp_path / "docs" / "figures" / "real").exists()
    assert capsys.readouterr().out == "Updated from report/nets.\n"


def test_a_report_without_a_figure_changes_nothing(update, tmp_path):
    (write_report(tmp_path, "nets") / "curve.svg").unlink()
    with pytest.raises(UserError, match=r"curve.svg is not there"):
        update([str(tmp_path / "run")])
    assert (tmp_path / "docs" / "tutorial.md").read_text() == PAGE
    assert not (tmp_path / "docs" / "figures").exists()
