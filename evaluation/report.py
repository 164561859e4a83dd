"""One HTML page with the tables and figures inside it, which opens from disk."""

import base64
import html
import pathlib
from collections.abc import Iterable, Sequence

import atomic_write
from evaluation.figures import rendered
from evaluation.report_figures import NamedFigure
from evaluation.table import Table

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
    folder: pathlib.Path,
    title: str,
    facts: Sequence[str],
    tables: Sequence[Table],
    named_figures: Iterable[NamedFigure],
) -> pathlib.Path:
    """Writes `index.html` with everything inside, and `figures/*.png` and `*.svg` beside it.

    Args:
        folder: made if it is not there.
        title: the page's.
        facts: lines under the title, what was judged and how.
        tables: shown first.
        named_figures: shown after them.

    Returns:
        The page's path.

    Raises:
        UserError: if the folder cannot be written.
    """
    folder = pathlib.Path(folder).expanduser()
    shown = [_figure(named, folder / "figures") for named in named_figures]
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
        *(f"<p>{html.escape(fact)}</p>" for fact in facts),
        *(table.to_html() for table in tables),
        *shown,
        "</body></html>\n",
    ]
    page = folder / "index.html"
    atomic_write.write_text(page, "\n".join(parts))
    return page


def _figure(named, folder):
    """Saves a figure in both formats and embeds the smaller one; curves are smaller as SVG."""
    png, svg = (rendered(named.figure, kind) for kind in ("png", "svg"))
    atomic_write.write_bytes(folder / f"{named.stem}.png", png)
    atomic_write.write_bytes(folder / f"{named.stem}.svg", svg)
    kind, content = ("svg+xml", svg) if len(svg) <= len(png) else ("png", png)
    width = round(named.figure.get_figwidth() * 96)  # px of CSS to the inch
    source = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    caption = html.escape(named.caption)
    return (
        f'<figure id="{html.escape(named.stem)}"><img width="{width}" alt="{caption}" '
        f'src="{source}"><figcaption>{caption}</figcaption></figure>'
    )
