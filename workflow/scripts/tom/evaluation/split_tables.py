"""The tables that compare students with their teacher in a split, from the counts of a run or of the paper."""

from collections.abc import Mapping

import polars as pl

from tom.core.frames import frame_of, table_schema
from tom.evaluation.aligned_counts import SAMPLED, AlignedCounts
from tom.evaluation.alignment_table import align, alignment_table
from tom.evaluation.equivalence_table import equivalence_rows
from tom.evaluation.generalisation import context_rows, generalisation_rows
from tom.evaluation.improvement import improvement_table
from tom.evaluation.improvement_summary import improvement_summaries
from tom.statistics.resampling import Uncertainty

AlignedByView = Mapping[tuple[str, str], AlignedCounts]
"""(view, measure) → the counts of teacher, base and students."""


def comparison_tables(
    aligned: AlignedByView, references: AlignedByView, uncertainty: Uncertainty, split: str, published: list[dict]
) -> dict[str, pl.DataFrame]:
    """Table → its rows of one split; what is not defined is null. Without readable cells alignment alone has rows.

    references: the in-sample cells that the baselines are fitted on, for each (view, measure). published: rows of
    the paper's own students for the alignment table.
    """
    alignments, summaries, equivalences, contexts, generalisations = [], [], [], [], []
    for (view, measure), part in aligned.items():
        reference, keys = references[view, measure], {"split": split, "view": view, "measure": measure}
        keys["teacher_answers"] = part.teacher_answers
        alignments += [keys | row for row in align(part, reference, uncertainty, split, view, measure)]
        if not part.cells:
            continue
        summaries += improvement_summaries(part, uncertainty, split, view, measure)
        equivalences += equivalence_rows(part, uncertainty, keys)
        contexts += context_rows(part, reference, keys)
        generalisations += generalisation_rows(part, reference, keys, uncertainty.confidence)
    sampled = {"split": split, "view": "fixed", "measure": "sampled", "teacher_answers": SAMPLED}
    alignments += [row | sampled for row in published]
    return {
        "improvements": improvement_table(aligned, split, uncertainty.confidence),
        "alignment": alignment_table(alignments, uncertainty.confidence),
        "improvement_summaries": frame_of(summaries, table_schema("improvement_summaries")),
        "equivalence": frame_of(equivalences, table_schema("equivalence")),
        "contexts": frame_of(contexts, table_schema("contexts")),
        "generalisation": frame_of(generalisations, table_schema("generalisation")),
    }


def with_split(table: pl.DataFrame, split: str) -> pl.DataFrame:
    """The table with its split as the first column, and null for what is not defined."""
    return table.select(pl.lit(split).alias("split"), pl.exclude("split")).fill_nan(None)
