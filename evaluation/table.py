"""A table of text, shown on a terminal, in Markdown and in HTML."""

import dataclasses
import html

import rich.markup
import rich.table


@dataclasses.dataclass(frozen=True)
class Table:
    """Cells as text; the first column is left-aligned, numbers are right-aligned.

    Attributes:
        title: one line.
        columns: headings.
        rows: cells, one list a row.
        note: how to read it; may be empty.
        text_columns: positions of the left-aligned columns.
    """

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""
    text_columns: tuple[int, ...] = (0,)

    def to_rich(self) -> rich.table.Table:
        """For a terminal, without the note; its cells never wrap."""
        table = rich.table.Table(title=self.title, title_justify="left", box=None, pad_edge=False)
        for position, column in enumerate(self.columns):
            justify = "left" if position in self.text_columns else "right"
            table.add_column(rich.markup.escape(column), justify=justify, no_wrap=True)
        for row in self.rows:
            table.add_row(*map(rich.markup.escape, row))
        return table

    def to_markdown(self) -> str:
        def line(cells):
            return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

        rule = [":--" if i in self.text_columns else "--:" for i in range(len(self.columns))]
        lines = [line(self.columns), line(rule), *map(line, self.rows)]
        parts = [f"**{self.title}**", "\n".join(lines)] + ([self.note] if self.note else [])
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        def row(tag, cells):
            marked = "".join(
                f"<{tag}{' class=text' if i in self.text_columns else ''}>"
                f"{html.escape(cell)}</{tag}>"
                for i, cell in enumerate(cells)
            )
            return f"<tr>{marked}</tr>"

        body = "\n".join(row("td", cells) for cells in self.rows)
        note = f'\n<p class="note">{html.escape(self.note)}</p>' if self.note else ""
        return (
            f'<h3>{html.escape(self.title)}</h3>\n<div class="wide"><table>\n'
            f"<thead>{row('th', self.columns)}</thead>\n<tbody>\n{body}\n</tbody></table></div>"
            f"{note}"
        )
