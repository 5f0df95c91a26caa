"""Compare the students of one split with their teacher.

Writes the tables that workflow/schemas/tables.yaml registers for this script, each as Parquet and, beside it, as CSV
and LaTeX. The same inputs give the same bytes.

python workflow/scripts/evaluate_split.py --split in_sample --shards S.parquet ... --reference-shards R.parquet ... \
    --published resources/paper/observed_choices.csv --bootstrap 2000 --confidence 0.95 --margin 0.1 --seed 1 \
    --propensities P.parquet ...    (and a flag for each other table: --help)
"""

import argparse

import polars as pl

from tom.core.errors import UserError, run_main
from tom.core.roles import tuned_models
from tom.core.table_columns import tables_made_by
from tom.evaluation.aligned_counts import align_counts, available_measures, require_same_cells
from tom.evaluation.alignment_table import align_published
from tom.evaluation.diagnostics import diagnose
from tom.evaluation.propensities import available_views, count_replies, tabulate
from tom.evaluation.split_tables import comparison_tables, with_split
from tom.paper.published_choices import read_published_split
from tom.reporting.tables import add_table_flags, write_tables
from tom.sampling.shards import scanned_shards
from tom.statistics.resampling import Counted, Uncertainty

TABLES = tables_made_by("evaluate_split")


def evaluate(
    shards: pl.DataFrame | pl.LazyFrame,
    reference: pl.DataFrame | pl.LazyFrame,
    published: dict[str, Counted] | None,
    split: str,
    uncertainty: Uncertainty,
) -> dict[str, pl.DataFrame]:
    """Table → its rows for a split.

    shards: of teacher, base and tuned students. reference: the in-sample shards of teacher and base, on which the
    baselines are fitted. published: the paper's counts in the split, None if it has none.
    Errors: UserError names what the shards lack.
    """
    counts, reference_counts = count_replies(shards), count_replies(reference)
    tuned = tuned_models(set(counts["model"]))
    require_same_cells(counts, "shards")
    require_same_cells(reference_counts, "reference shards")
    views = available_views(counts)
    if absent := sorted(set(views) - set(available_views(reference_counts))):
        raise UserError(f"reference shards: view '{absent[0]}' of the shards is not in them")
    aligned = {
        (view, measure): align_counts(counts, tuned, view, measure)
        for view in views
        for measure in available_measures(counts)
    }
    references = {key: align_counts(reference_counts, [], *key) for key in aligned}
    rows = align_published(published, uncertainty, split) if published and ("fixed", "sampled") in aligned else []
    return {
        "propensities": with_split(tabulate(counts, views, uncertainty.confidence), split),
        **comparison_tables(aligned, references, uncertainty, split, rows),
        "diagnostics": with_split(diagnose(shards), split),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", required=True)
    parser.add_argument("--shards", nargs="+", required=True, help="teacher, base and tuned shards of the split")
    parser.add_argument("--reference-shards", nargs="+", required=True, help="teacher and base shards of in_sample")
    parser.add_argument("--published", required=True, help="the paper's counts, CSV")
    Uncertainty.add_arguments(parser)
    add_table_flags(parser, TABLES)
    arguments = parser.parse_args()

    published = read_published_split(arguments.published, arguments.split)
    with scanned_shards(arguments.shards, arguments.reference_shards) as (shards, reference):
        tables = evaluate(shards, reference, published, arguments.split, Uncertainty.from_arguments(arguments))
    write_tables(tables, arguments)


if __name__ == "__main__":
    run_main(main)
