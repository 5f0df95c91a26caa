"""The page's part on studies: what has been made of each, and how to make the rest."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tom.config.studies import STUDIES, Study, expanded
from tom.config.studies import Table as StudyTable
from tom.page.figures import Figure, figure
from tom.page.html_tables import Dictionary, Table, to_table
from tom.reporting.tables import read_table

DETAILS = "Every number stands in the table below."


@dataclass(frozen=True)
class Shown:
    """What has been made of a study. missing: its other files. outdated: files that Snakemake would make again."""

    study: Study
    figures: list[Figure]
    tables: list[Table]
    missing: list[str]
    outdated: list[str]


def made_files(experiment: Path, splits: list[str]) -> list[Path]:
    """The files of all studies that have been made. experiment: the folder in which they lie."""
    files = [experiment / file for study in STUDIES for file in study.files(splits)]
    return [file for file in files if file.exists()]


def study_results(
    experiment: Path, splits: list[str], outdated: list[str], dictionary: Dictionary
) -> tuple[list[Shown], list[Study]]:
    """The studies of which something has been made, and those of which nothing has.

    experiment: the folder in which their files lie. outdated: files in it. Errors: UserError names a damaged file.
    """
    shown, unmade = [], []
    for study in STUDIES:
        files = [experiment / file for file in study.files(splits)]
        if not any(file.exists() for file in files):
            unmade.append(study)
            continue
        tables = (_table(study, table, experiment, splits, dictionary) for table in study.tables)
        shown.append(
            Shown(
                study,
                _figures(study, experiment),
                [table for table in tables if table],
                missing=[str(file) for file in files if not file.exists()],
                outdated=[str(file) for file in files if str(file) in outdated],
            )
        )
    return shown, unmade


def grouping_columns(frame: pl.DataFrame) -> tuple[str, ...]:
    """The columns that group rows: words, at least one of them in several rows."""
    words = [name for name, kind in frame.schema.items() if kind == pl.String]
    return tuple(name for name in words if frame[name].drop_nulls().is_duplicated().any())


def _table(
    study: Study, table: StudyTable, experiment: Path, splits: list[str], dictionary: Dictionary
) -> Table | None:
    files = [file for name in expanded(table.file, splits) if (file := experiment / name).exists()]
    if not files:
        return None
    # Files that are out of date may have other columns.
    frame = pl.concat(map(read_table, files), how="diagonal_relaxed")
    key, written = f"table-{study.name}-{Path(table.file).stem}", [str(file.with_suffix(".csv")) for file in files]
    return to_table(frame, dictionary[table.name], key, table.title, "", written, grouping_columns(frame))


def _figures(study: Study, experiment: Path) -> list[Figure]:
    drawn = study.figure
    if drawn is None or not (file := experiment / "figures" / f"{drawn.name}.svg").exists():
        return []
    return [figure(file, study.title, f"{drawn.shows} {DETAILS}", drawn.caption)]
