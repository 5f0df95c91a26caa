"""The tables that judge students against their teacher, from panels of any origin: a run of ours, or the paper's."""

import polars as pl

from tom.evaluation.aligned_counts import AlignedCounts
from tom.evaluation.alignment_table import align, alignment_table
from tom.evaluation.equivalence_table import COLUMNS as EQUIVALENCE_COLUMNS
from tom.evaluation.equivalence_table import equivalence_rows
from tom.evaluation.generalisation import CONTEXT_COLUMNS, GENERALISATION_COLUMNS, context_rows, generalisation_rows
from tom.evaluation.improvement import improvement_table
from tom.evaluation.improvement_summary import COLUMNS as SUMMARY_COLUMNS
from tom.evaluation.improvement_summary import improvement_summaries
from tom.statistics.uncertainty import Uncertainty

Panels = dict[tuple[str, str], AlignedCounts]
"""(view, measure) → panel."""


def comparison_tables(
    panels: Panels, references: Panels, uncertainty: Uncertainty, split: str, published: list[dict]
) -> dict[str, pl.DataFrame]:
    """Tables of a split by name: improvements, improvement_summaries, alignment, equivalence, contexts and
    generalisation; what is not defined is null.

    references: the in-sample cells that the baselines are fitted on, for each (view, measure). published: rows of
    the paper's own students for the alignment table.
    """
    rows = {name: [] for name in ("alignment", "improvement_summaries", "equivalence", "contexts", "generalisation")}
    for (view, measure), part in panels.items():
        reference, keys = references[view, measure], {"split": split, "view": view, "measure": measure}
        rows["alignment"] += [keys | row for row in align(part, reference, uncertainty, split, view, measure)]
        rows["improvement_summaries"] += improvement_summaries(part, uncertainty, split, view, measure)
        rows["equivalence"] += equivalence_rows(part, uncertainty, keys)
        rows["contexts"] += context_rows(part, reference, keys)
        rows["generalisation"] += generalisation_rows(part, reference, keys, uncertainty.confidence)
    rows["alignment"] += [row | {"split": split, "view": "fixed", "measure": "sampled"} for row in published]
    tables = {
        "improvements": improvement_table(panels, uncertainty.confidence),
        "alignment": alignment_table(rows["alignment"], uncertainty.confidence),
        "improvement_summaries": _frame(rows["improvement_summaries"], SUMMARY_COLUMNS),
        "equivalence": _frame(rows["equivalence"], EQUIVALENCE_COLUMNS),
        "contexts": _frame(rows["contexts"], CONTEXT_COLUMNS),
        "generalisation": _frame(rows["generalisation"], GENERALISATION_COLUMNS),
    }
    return {name: with_split(table, split) for name, table in tables.items()}


def with_split(table: pl.DataFrame, split: str) -> pl.DataFrame:
    """The table with its split in front, and null for what is not defined."""
    return table.select(pl.lit(split).alias("split"), pl.exclude("split")).fill_nan(None)


def _frame(rows: list[dict], columns: dict) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=columns)
