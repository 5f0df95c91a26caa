"""Print which files of studies are out of date: those that Snakemake would make again. Runs no job.

Without files of studies it prints nothing, and does not ask Snakemake.

python workflow/scripts/list_outdated.py --experiment results/main --splits in_sample --snakefile Snakefile \
    --config '{}'
"""

import argparse
import json
from pathlib import Path

from tom.core.errors import run_main
from tom.page.studies import made_files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiment", type=Path, required=True, help="its folder, in which study files lie")
    parser.add_argument("--splits", nargs="+", required=True)
    parser.add_argument("--snakefile", type=Path, required=True)
    parser.add_argument("--configfiles", type=Path, nargs="*", default=[], help="as given to Snakemake")
    parser.add_argument("--config", type=json.loads, required=True, help="what overrides them, JSON")
    arguments = parser.parse_args()
    if made := made_files(arguments.experiment, arguments.splits):
        from tom.core.snakemake_internals import outdated

        files = list(map(str, made))
        print("\n".join(outdated(files, arguments.snakefile, arguments.configfiles, arguments.config)))


if __name__ == "__main__":
    run_main(main)
