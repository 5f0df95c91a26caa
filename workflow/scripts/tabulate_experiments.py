"""Tabulate several finished experiments in one table; writes Parquet and, beside it, CSV and LaTeX.

python workflow/scripts/tabulate_experiments.py --experiments results/main results/larger --splits in_sample \
    --output T.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.evaluation.propensities import headline_view_of
from tom.reporting.experiments import compare_experiments
from tom.reporting.findings import headline_measure
from tom.reporting.tables import markdown_table, write_table
from tom.reporting.wording import gap_closed, readable


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--experiments", type=Path, nargs="+", required=True, help="folders; the first is compared with"
    )
    parser.add_argument("--splits", nargs="+", required=True, help="those that all experiments have")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    found = compare_experiments(arguments.experiments, arguments.splits)
    write_table(found, arguments.output)
    header = ["split", "experiment", "student", "teacher", "gap", "closed %", "nearest cell"]
    rows = []
    for split in arguments.splits:
        for folder in arguments.experiments:
            own = headline_measure(found.filter(experiment=folder.name)).filter(split=split)
            rows_of = {row["predictor"]: row for row in own.filter(view=headline_view_of(own)).iter_rows(named=True)}
            tuned, nearest = rows_of["tuned"], rows_of["nearest"]
            gaps = " → ".join("-" if row["gap"] is None else f"{row['gap']:.3f}" for row in (rows_of["base"], tuned))
            names = [readable(split), folder.name, tuned["student"], tuned["teacher"]]
            rows.append([*names, gaps, gap_closed(tuned), gap_closed(nearest)])
    print("\n".join(markdown_table(header, rows)))


if __name__ == "__main__":
    run_main(main)
