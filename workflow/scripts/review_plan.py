"""Print what a plan expected beside what the run then took.

python workflow/scripts/review_plan.py --plan results/plan.parquet
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.planning.review import actual_seconds, read_plan, review_lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plan", type=Path, required=True, help="what plan_run.py kept")
    arguments = parser.parse_args()

    plan = read_plan(arguments.plan)
    print("\n".join(review_lines(actual_seconds(plan, arguments.plan.stat().st_mtime))))


if __name__ == "__main__":
    run_main(main)
