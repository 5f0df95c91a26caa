"""Evaluate the students of one split against their teacher.

Writes eight tables, each as Parquet and, beside it, as CSV and LaTeX: propensities (every model at every level),
improvements (the paper's measure, cell by cell) and improvement_summaries (its mean, median and ratio of sums),
alignment (gaps, with intervals and baselines), equivalence (the teacher's propensity or another), contexts and
generalisation (contexts as the sample), and diagnostics (order and letters). The same inputs give the same bytes.

python workflow/scripts/evaluate_split.py --split in_sample --shards S.parquet ... --reference-shards R.parquet ... \
    --published resources/paper/observed_choices.csv --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 \
    --propensities P.parquet --improvements I.parquet --improvement-summaries M.parquet --alignment A.parquet \
    --equivalence E.parquet --contexts C.parquet --generalisation G.parquet --diagnostics D.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.core.errors import UserError, run_main
from tom.core.roles import tuned_models
from tom.evaluation.aligned_counts import align_counts, available_measures, require_same_cells
from tom.evaluation.alignment_table import align_published
from tom.evaluation.diagnostics import diagnose
from tom.evaluation.propensities import available_views, count_replies, tabulate
from tom.evaluation.split_tables import comparison_tables, with_split
from tom.paper.published_choices import read_published_split
from tom.reporting.tables import write_table
from tom.sampling.shards import scanned_shards
from tom.statistics.resampling import Counted
from tom.statistics.uncertainty import Uncertainty

TABLES = (
    "propensities",
    "improvements",
    "improvement_summaries",
    "alignment",
    "equivalence",
    "contexts",
    "generalisation",
    "diagnostics",
)


def evaluate(
    shards: pl.DataFrame | pl.LazyFrame,
    reference: pl.DataFrame | pl.LazyFrame,
    published: dict[str, Counted] | None,
    split: str,
    uncertainty: Uncertainty,
) -> dict[str, pl.DataFrame]:
    """The TABLES of a split, by name. Errors: UserError names what the shards lack."""
    counts, reference_counts = count_replies(shards), count_replies(reference)
    tuned = tuned_models(set(counts["model"]))
    require_same_cells(counts, "shards")
    require_same_cells(reference_counts, "reference shards")
    views = available_views(counts)
    if absent := sorted(set(views) - set(available_views(reference_counts))):
        raise UserError(f"reference shards: view '{absent[0]}' of the shards is not in them")
    panels = {
        (view, measure): align_counts(counts, tuned, view, measure)
        for view in views
        for measure in available_measures(counts)
    }
    references = {key: align_counts(reference_counts, [], *key) for key in panels}
    rows = align_published(published, uncertainty, split) if published and ("fixed", "sampled") in panels else []
    return {
        "propensities": with_split(tabulate(counts, views, uncertainty.confidence), split),
        **comparison_tables(panels, references, uncertainty, split, rows),
        "diagnostics": with_split(diagnose(shards), split),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", required=True)
    parser.add_argument("--shards", nargs="+", required=True, help="teacher, base and tuned shards of the split")
    parser.add_argument("--reference-shards", nargs="+", required=True, help="teacher and base shards of in_sample")
    parser.add_argument("--published", required=True, help="the paper's counts, CSV")
    Uncertainty.add_arguments(parser)
    for name in TABLES:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=Path, required=True, help="Parquet; CSV and LaTeX go beside it")
    arguments = parser.parse_args()

    published = read_published_split(arguments.published, arguments.split)
    with scanned_shards(arguments.shards, arguments.reference_shards) as (shards, reference):
        tables = evaluate(shards, reference, published, arguments.split, Uncertainty.from_arguments(arguments))
    for name, table in tables.items():
        write_table(table, getattr(arguments, name))


if __name__ == "__main__":
    run_main(main)
