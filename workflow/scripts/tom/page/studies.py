"""The page's part on further targets: what a run has made of them, and how to make the rest."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tom.page.figures import Figure, figure
from tom.page.html_tables import Dictionary, Table, to_table
from tom.page.result_tables import FILTERS
from tom.page.study_results import FURTHER, Further, FurtherFigure, FurtherTable, expanded
from tom.reporting.tables import read_table

DETAILS = "Every number stands in the table below."
FURTHER_FILTERS = (*FILTERS, "labels", "kind", "role", "left_out", "measured_on", "prompt_format", "game", "context")


@dataclass(frozen=True)
class Shown:
    """What there is of one target. missing: what it would write besides; outdated: what Snakemake would make anew."""

    target: str
    title: str
    about: str
    figures: list[Figure]
    tables: list[Table]
    missing: list[str]
    outdated: list[str]


@dataclass(frozen=True)
class Unmade:
    """A target of which there is nothing."""

    target: str
    title: str
    needs: str


def further_results(
    results: Path, splits: list[str], outdated: list[str], dictionary: Dictionary
) -> tuple[list[Shown], list[Unmade]]:
    """What is there, and what is not. results: a run's folder; outdated: files in it. Errors: UserError."""
    shown, unmade = [], []
    for further in FURTHER:
        files = [results / file for file in further.files(splits)]
        if any(file.exists() for file in files):
            missing = [str(file) for file in files if not file.exists()]
            stale = [str(file) for file in files if str(file) in outdated]
            tables = [_table(table, results, splits, dictionary) for table in further.tables]
            drawn = [_figure(further, further.figure, results)] if further.figure else []
            found = ([part for part in parts if part] for parts in (drawn, tables))
            shown.append(Shown(further.target, further.title, further.about, *found, missing, stale))
        else:
            unmade.append(Unmade(further.target, further.title, further.needs))
    return shown, unmade


def _table(table: FurtherTable, results: Path, splits: list[str], dictionary: Dictionary) -> Table | None:
    files = [file for name in expanded(table.file, splits) if (file := results / name).exists()]
    if not files:
        return None
    described, key = dictionary[table.described_as], f"table-further-{Path(table.file).stem}"
    written = [str(file.with_suffix(".csv")) for file in files]
    # Those that are out of date may have other columns.
    frame = pl.concat(map(read_table, files), how="diagonal_relaxed")
    return to_table(frame, described, key, table.title, "", written, FURTHER_FILTERS)


def _figure(further: Further, drawn: FurtherFigure, results: Path) -> Figure | None:
    file = results / drawn.file
    return figure(file, further.title, f"{drawn.shows} {DETAILS}", drawn.caption) if file.exists() else None
