"""The end of a run: its files in a few lines, and a command that can be copied."""

import pytest

from tom.reporting.closing import MOST_LINES, command, file_lines, first_screen, profile_words


def test_files_are_counted_by_folder_and_one_alone_is_named():
    files = ["results/main/summary.md", "results/main/figures/a.pdf", "results/main/figures/a.png"]
    assert file_lines(files) == ["  results/main/summary.md", "  results/main/figures/ (2 files)"]


def test_many_folders_are_counted_in_those_above_them():
    shards = [f"results/shards/{model}/choice/{game}/{n}.parquet" for model in "ab" for game in "wxyz" for n in "12"]
    assert file_lines(shards) == ["  results/shards/a/choice/ (8 files)", "  results/shards/b/choice/ (8 files)"]
    apart = [f"{folder}/file" for folder in "abcdefgh"]
    assert len(apart) > MOST_LINES and file_lines(apart) == [f"  {file}" for file in apart]


def test_a_file_beside_folders_that_are_counted_above_it_is_counted():
    files = [f"out/{folder}/1" for folder in "abcdefgh"] + ["out/2"]
    assert file_lines(files) == ["  out/ (9 files)"]


def test_a_command_repeats_the_configs_and_quotes():
    assert command("report", "Snakefile", [], {}) == "snakemake report --cores all"
    said = command("all", "../a b/Snakefile", ["my pair.yaml"], {"experiment": "a b"})
    assert said == (
        "snakemake all --cores all --snakefile '../a b/Snakefile' --configfile 'my pair.yaml' --config 'experiment=a b'"
    )


@pytest.mark.parametrize(
    ("words", "proposed"),
    [
        ("plan --cores 1", "snakemake all --cores all"),
        (
            "plan --workflow-profile profiles/slurm --configfile a.yaml",
            "snakemake all --workflow-profile profiles/slurm",
        ),
        ("--workflow-profile=slurm plan", "snakemake all --workflow-profile slurm"),
        ("--profile mine plan", "snakemake all --profile mine"),
        ("plan --profile mine -c4", "snakemake all --profile mine --cores all"),
        ("plan --profile a --workflow-profile b", "snakemake all --profile a --workflow-profile b"),
    ],
)
def test_a_command_repeats_the_profiles_which_may_say_how_much_runs_at_a_time(words, proposed):
    assert command("all", "Snakefile", [], {}, profile_words(words.split())) == proposed


def test_the_end_of_a_run_shows_the_verdict_and_the_first_table_and_names_the_rest():
    summary = (
        "# What s learnt\n\n- verdict\n\n## Distances\n\n| a |\n\n## Order and letters\n\n| b |\n\n## Training\n\nc\n"
    )
    shown = first_screen(summary)
    assert shown.startswith("# What s learnt\n\n- verdict\n\n## Distances\n\n| a |\n")
    assert shown.endswith("\n\nAlso in the summary: Order and letters; Training.\n") and "| b |" not in shown
    assert first_screen("# What s learnt\n") == "# What s learnt\n"
