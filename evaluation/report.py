"""A folder with everything that was measured, and one HTML page that shows it all."""

import base64
import html
import pathlib
import re
from collections.abc import Iterable

import atomic_write
from evaluation.figures import rendered
from evaluation.report_figures import NamedFigure
from evaluation.results import Results

_KINDS = ("png", "svg")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #202124; background: #fff;
       max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h3 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap;
         border-bottom: 1px solid #dadce0; }
th { border-bottom: 2px solid #5f6368; } .text { text-align: left; }
.note, figcaption { color: #5f6368; font-size: .85rem; max-width: 48rem; }
figure { margin: 2rem 0; } img { max-width: 100%; height: auto; }
"""


def write_report(
    folder: pathlib.Path, results: Results, note: str, named_figures: Iterable[NamedFigure]
) -> pathlib.Path:
    """Writes a report's files, and deletes the figures that only an earlier report there had.

        index.html      everything inside one page, which opens from disk
        figures/        each figure as PNG and SVG
        tables.md       the tables
        nets.csv        a row a net
        results.json    all numbers

    Args:
        folder: made if it is not there.
        results: for the tables.
        note: a sentence on the figures, which the page begins with.
        named_figures: shown below the tables.

    Returns:
        The path of `index.html`.

    Raises:
        UserError: if the folder cannot be written.
    """
    folder = pathlib.Path(folder)
    page = folder / "index.html"
    earlier = _stems(page)
    shown = [_figure(named, folder / "figures") for named in named_figures]
    atomic_write.write_text(folder / "tables.md", results.to_markdown())
    atomic_write.write_text(folder / "nets.csv", results.to_csv())
    atomic_write.write_text(folder / "results.json", results.to_json())
    title = "Facial keypoints: " + ", ".join(each.name for each in results.judgements)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        *(f"<p>{html.escape(sentence)}</p>" for sentence in (results.about, note)),
        *(table.to_html() for table in results.tables()),
        *shown,
        "</body></html>\n",
    ]
    atomic_write.write_text(page, "\n".join(parts))
    for stem in earlier - _stems(page):
        for kind in _KINDS:
            with atomic_write.refusals_named(folder):
                (folder / "figures" / f"{stem}.{kind}").unlink(missing_ok=True)
    return page


def _stems(page):
    """The figures of a report's page, by their file stems; none if there is no page to read."""
    try:
        text = page.read_text("utf-8", "replace")
    except OSError:
        return set()
    return set(re.findall(r'<figure id="(\w[\w.-]*)"', text))


def _figure(named, folder):
    """Saves a figure in both formats and embeds the smaller one; curves are smaller as SVG."""
    png, svg = (rendered(named.figure, kind) for kind in _KINDS)
    atomic_write.write_bytes(folder / f"{named.stem}.png", png)
    atomic_write.write_bytes(folder / f"{named.stem}.svg", svg)
    kind, content = ("svg+xml", svg) if len(svg) <= len(png) else ("png", png)
    width = round(named.figure.get_figwidth() * 96)  # px of CSS to the inch
    data_url = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    caption = html.escape(named.caption)
    return (
        f'<figure id="{html.escape(named.stem)}"><img width="{width}" alt="{caption}" '
        f'src="{data_url}"><figcaption>{caption}</figcaption></figure>'
    )
