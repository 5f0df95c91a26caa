"""Build the page: one HTML file with a run's result, figures, tables, replies and provenance. It needs no network.

python workflow/scripts/build_page.py --alignment A.parquet ... --figures F.svg ... --config '{...}' \
    --output results/main/report.html    (and a flag for each other input: --help)
"""

import argparse
import json
from pathlib import Path

import polars as pl

from tom.core.errors import UserError, run_main
from tom.core.files import atomic_file, log_written
from tom.core.table_columns import tables_made_by
from tom.page.contents import Sources, page_values
from tom.page.durations import jobs_from_words
from tom.page.html_tables import read_dictionary, render
from tom.reporting.tables import read_table

TABLES = tuple(
    name
    for script in ("evaluate_split", "measure_sensitivities", "tabulate_replies")
    for name in tables_made_by(script)
)
OPTIONAL_TABLES = tuple(
    name
    for script in ("tabulate_games", "tabulate_number_games", "evaluate_numbers")
    for name in tables_made_by(script)
)
PLACES = {
    "summary": "Markdown",
    "captions": "folder of the figures' captions",
    "published": "the paper's choices, CSV",
    "experiment": "folder of the run's own results, in which files of studies lie",
    "benchmarks": "folder of the jobs' benchmark files",
    "logs": "folder of the jobs' logs",
    "project": "folder of the repository",
    "template": "folder of the page's template, style and script",
    "columns": "what the columns of the tables mean, YAML",
}


def read_config(text: str) -> dict:
    """A config from JSON. Errors: UserError."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(f"--config: not valid JSON ({error})") from None


def read_usage(file: Path) -> pl.DataFrame:
    """The table of an endpoint's usage. Errors: UserError names the file."""
    try:
        return pl.read_csv(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UserError(f"{file}: can't be read as a table of usage ({type(error).__name__})") from None


def csv_beside(file: str) -> str:
    """The CSV file beside a table, or the table's own file if there is none."""
    beside = Path(file).with_suffix(".csv")
    return str(beside if beside.exists() else file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in TABLES:
        parser.add_argument(f"--{name.replace('_', '-')}", nargs="+", required=True, help="of every split, Parquet")
    parser.add_argument("--stated", nargs="+", required=True, help="the table of the paper's figures, Parquet")
    for name in OPTIONAL_TABLES:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, nargs="*", default=[], help="if the run has any, Parquet")
    for name in ("figures", "manifests", "texts"):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True)
    for name, help_text in PLACES.items():
        parser.add_argument(f"--{name}", type=Path, required=True, help=help_text)
    parser.add_argument(
        "--jobs", nargs="+", action="append", default=[], metavar=("STAGE", "GPUS NAME"),
        help="jobs that are timed: a stage, the GPUs of each job, and names of benchmark files; again for each stage",
    )  # fmt: skip
    parser.add_argument("--usage", type=Path, help="of a teacher at an endpoint, CSV")
    parser.add_argument("--outdated", type=str.splitlines, default=[], help="what list_outdated.py printed")
    parser.add_argument("--config", required=True, help="the resolved config, JSON")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    given = {name: getattr(arguments, name) for name in (*TABLES, *OPTIONAL_TABLES) if getattr(arguments, name)}
    given["figures"] = arguments.stated
    tables = {name: read_table(*written) for name, written in given.items()}
    files = {name: [csv_beside(file) for file in written] for name, written in given.items()}
    if arguments.usage:
        tables["usage"], files["usage"] = read_usage(arguments.usage), [str(arguments.usage)]
    sources = Sources(
        summary=arguments.summary,
        figures=arguments.figures,
        captions=arguments.captions,
        published=arguments.published,
        manifests=arguments.manifests,
        texts=arguments.texts,
        experiment=arguments.experiment,
        benchmarks=arguments.benchmarks,
        logs=arguments.logs,
        jobs=[jobs_from_words(words) for words in arguments.jobs],
        outdated=arguments.outdated,
        project=arguments.project,
    )
    values = page_values(tables, files, sources, read_dictionary(arguments.columns), read_config(arguments.config))
    page = render(arguments.template, **values)
    with atomic_file(arguments.output) as temporary:
        temporary.write_text(page, encoding="utf-8")
    log_written(arguments.output, f"{len(page.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    run_main(main)
