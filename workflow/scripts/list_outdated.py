"""Print which files of further targets Snakemake would make anew; nothing is run, and without such files nothing asked.

python workflow/scripts/list_outdated.py --results results --splits in_sample --snakefile Snakefile --config '{}'
"""

import argparse
import json
from pathlib import Path

from tom.core.errors import run_main
from tom.page.study_results import made_files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True, help="folder of a run")
    parser.add_argument("--splits", nargs="+", required=True)
    parser.add_argument("--snakefile", type=Path, required=True)
    parser.add_argument("--configfiles", type=Path, nargs="*", default=[], help="as given to Snakemake")
    parser.add_argument("--config", type=json.loads, required=True, help="what overrides them, JSON")
    arguments = parser.parse_args()
    if made := made_files(arguments.results, arguments.splits):
        from tom.planning.outdated import outdated

        files = list(map(str, made))
        print("\n".join(outdated(files, arguments.snakefile, arguments.configfiles, arguments.config)))


if __name__ == "__main__":
    run_main(main)
