"""Evaluate the students of one split against their teacher.

Writes four tables, each as Parquet and, beside it, as CSV: propensities (every model at every level),
improvements (the paper's measure, cell by cell), alignment (gaps, with intervals and baselines) and diagnostics
(order and letters). The same inputs give the same bytes.

python workflow/scripts/evaluate_split.py --split in_sample --shards S.parquet ... --reference-shards R.parquet ... \
    --published resources/paper/observed_choices.csv --bootstrap 2000 --confidence 0.95 --seed 1 \
    --propensities P.parquet --improvements I.parquet --alignment A.parquet --diagnostics D.parquet
"""

import argparse
from pathlib import Path

import polars as pl

from tom.alignment_table import Precision, align, align_published, alignment_table
from tom.diagnostics import diagnose
from tom.errors import BadInput, run_main
from tom.improvement import improvement_table
from tom.models import tuned_models
from tom.panels import available_measures, panel, require_same_cells
from tom.propensities import available_views, count_replies, tabulate
from tom.published import read_published_split
from tom.resampling import Counted
from tom.shards import read_shards
from tom.tables import write_table


def evaluate(
    shards: pl.DataFrame,
    reference: pl.DataFrame,
    published: dict[str, Counted] | None,
    split: str,
    precision: Precision,
) -> dict[str, pl.DataFrame]:
    """The four tables of a split, by name. Errors: BadInput names what the shards lack."""
    tuned = tuned_models(set(shards["model"]))
    counts, reference_counts = count_replies(shards), count_replies(reference)
    require_same_cells(counts, "shards")
    require_same_cells(reference_counts, "reference shards")
    views = available_views(counts)
    if absent := sorted(set(views) - set(available_views(reference_counts))):
        raise BadInput(f"reference shards: view '{absent[0]}' of the shards is not in them")
    panels = {
        (view, measure): panel(counts, tuned, view, measure) for view in views for measure in available_measures(counts)
    }
    rows = []
    for (view, measure), part in panels.items():
        fitted_on = panel(reference_counts, [], view, measure)
        found = align(part, fitted_on, precision, split, view, measure)
        if published and (view, measure) == ("fixed", "sampled"):
            found += align_published(published, precision, split)
        rows += [row | {"split": split, "view": view, "measure": measure} for row in found]
    tables = {
        "propensities": tabulate(counts, views, precision.confidence),
        "improvements": improvement_table(panels, precision.confidence),
        "alignment": alignment_table(rows, precision.confidence),
        "diagnostics": diagnose(shards),
    }
    return {
        name: table.select(pl.lit(split).alias("split"), pl.exclude("split")).fill_nan(None)
        for name, table in tables.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", required=True)
    parser.add_argument("--shards", nargs="+", required=True, help="teacher, base and tuned shards of the split")
    parser.add_argument("--reference-shards", nargs="+", required=True, help="teacher and base shards of in_sample")
    parser.add_argument("--published", required=True, help="the paper's counts, CSV")
    parser.add_argument("--bootstrap", type=int, required=True, help="resamples for each interval")
    parser.add_argument("--confidence", type=float, required=True, help="of all intervals, e.g. 0.95")
    parser.add_argument("--seed", type=int, required=True)
    for name in ("propensities", "improvements", "alignment", "diagnostics"):
        parser.add_argument(f"--{name}", type=Path, required=True, help="Parquet; the CSV goes beside it")
    arguments = parser.parse_args()

    tables = evaluate(
        read_shards(arguments.shards),
        read_shards(arguments.reference_shards),
        read_published_split(arguments.published, arguments.split),
        arguments.split,
        Precision(arguments.bootstrap, arguments.confidence, arguments.seed),
    )
    for name, table in tables.items():
        write_table(table, getattr(arguments, name))


if __name__ == "__main__":
    run_main(main)
