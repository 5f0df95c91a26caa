"""Markdown tables that are as easy to read as plain text."""


def markdown_table(header: list[str], rows: list[list[str]]) -> list[str]:
    """Lines of an aligned table; the first column is flush left, all others flush right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(row: list[str]) -> str:
        first, *rest = (text.ljust if column == 0 else text.rjust for column, text in enumerate(row))
        return (
            "| "
            + " | ".join([first(widths[0]), *(pad(width) for pad, width in zip(rest, widths[1:], strict=True))])
            + " |"
        )

    return [line(row) for row in [header, rule, *rows]]
