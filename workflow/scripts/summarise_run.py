"""Summarise a run in one page of plain Markdown: what the students learnt, and what would have done as well.

python workflow/scripts/summarise_run.py --alignment A.parquet ... --diagnostics D.parquet ... \
    --improvements I.parquet ... --equivalence E.parquet ... --generalisation G.parquet ... \
    --sensitivities S.parquet --joint-choice-model J.parquet --published resources/paper/observed_choices.csv \
    --contributions resources/paper/observed_contributions.csv --number-means C.parquet \
    --number-gaps K.parquet --replies T.parquet ... --main-result tables/main_result.parquet --output summary.md
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.core.files import atomic_file, log_written
from tom.reporting.main_result import main_result, main_result_latex
from tom.reporting.summary import NUMBER_TABLES, TABLES, summary_lines
from tom.reporting.tables import add_table_flags, read_table, write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in TABLES:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, nargs="+", required=True, help="tables of every split")
    for name in NUMBER_TABLES:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, nargs="*", default=[], help="of splits in which numbers are named, if any")
    parser.add_argument("--replies", nargs="*", default=[], help="tables of splits, where models reply in words")
    parser.add_argument("--published", type=Path, required=True, help="the paper's choices, CSV")
    parser.add_argument("--contributions", type=Path, required=True, help="the paper's contributions, CSV")
    parser.add_argument("--student", default="the student", help="its name")
    parser.add_argument("--teacher", default="the teacher", help="its name")
    parser.add_argument(
        "--uniform-target-contexts", nargs="*", default=[], help="contexts in which students were trained on chance"
    )
    parser.add_argument("--computed", action="store_true", help="the teacher is a behavioural model")
    add_table_flags(parser, ["main_result"])
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()

    files = {name: getattr(arguments, name) for name in (*TABLES, *NUMBER_TABLES)}
    tables = {name: read_table(*written) for name, written in files.items() if written}
    result = main_result(tables["alignment"])
    write_table(result, arguments.main_result, main_result_latex(result, arguments.student, arguments.teacher))
    lines = summary_lines(
        tables,
        arguments.published,
        arguments.contributions,
        arguments.student,
        arguments.teacher,
        arguments.uniform_target_contexts,
        arguments.computed,
        read_table(*arguments.replies) if arguments.replies else None,
    )
    with atomic_file(arguments.output) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
    log_written(arguments.output, f"{len(lines)} lines")


if __name__ == "__main__":
    run_main(main)
