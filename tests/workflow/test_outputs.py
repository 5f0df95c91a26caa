"""What a finished run has written."""

import json

import polars as pl
import pytest

from tom.reporting.closing import first_screen


def test_every_cell_has_a_shard_for_each_model(finished):
    shards = list((finished.folder / "results/shards").rglob("*.parquet"))
    assert len(shards) == 3 * (4 + 2 + 2 + 1)


def test_a_student_shard_asks_both_orders_in_equal_shares(finished):
    shard = pl.read_parquet(finished.folder / finished.shard("base", "stag_hunt", "business"))
    observed = shard.filter(pl.col("record") == "observation")
    assert observed["order"].value_counts().sort("order").rows() == [
        ("cooperation_first", 20),
        ("cooperation_last", 20),
    ]
    assert shard.filter(pl.col("record") == "score").height == 4
    assert observed["raw"].is_in(["C", "D"]).all()


def test_the_loss_sees_replies_alone(finished):
    proof = json.loads((finished.folder / finished.adapter() / "loss_report.json").read_text())
    assert {reply["supervised"] for example in proof["examples"] for reply in example["replies"]} == {
        "C<|im_end|>",
        "D<|im_end|>",
    }
    assert all(reply["ends_with_eos"] for example in proof["examples"] for reply in example["replies"])
    assert proof["observations"] == 2 * 4 * 300
    assert proof["supervised_tokens"] == 2 * proof["observations"]


def test_every_job_left_a_log_and_shards_a_benchmark(finished):
    results = finished.folder / "results"
    assert (
        len(list((results / "logs/sample").rglob("*.log")))
        == len(list((results / "benchmarks/sample").rglob("*.tsv")))
        == 27
    )


def test_no_machine_path_stands_in_a_result(finished):
    here = str(finished.folder).encode()
    assert not [name for name, content in finished.results().items() if here in content]


@pytest.mark.slow
def test_a_model_of_its_own_gives_the_bytes_of_a_resident_one(project):
    project.edit("tiny.yaml", "idle_seconds: 30", "idle_seconds: 0")
    for model in ("base", "tuned-seed1"):
        shard = project.shard(model, "stag_hunt", "friendship")
        before = (project.folder / shard).read_bytes()
        (project.folder / shard).unlink()
        project.succeed(shard)
        assert (project.folder / shard).read_bytes() == before


def test_the_run_ends_with_its_summary_its_files_and_the_next_command(project):
    (project.experiment / "summary.md").unlink()
    run = project.run()
    assert "summarise_run: 1 of 1 (1 of 2 jobs of this run)" in run.stderr
    said = run.stdout
    end = said[said.index(first_screen((project.experiment / "summary.md").read_text()).rstrip()) :]
    assert "Files:\n" in end and "  results/main/summary.md\n" in end and "  results/main/tables/ (" in end
    next_command = "Next: snakemake report --cores all --configfile config/config.yaml tiny.yaml"
    assert end.rstrip().endswith(next_command)
    idle = project.run().stdout
    assert idle.startswith("Files:") and idle.rstrip().endswith(next_command)
    dry = project.run("--dry-run").stdout
    assert "Next: " not in dry


def test_snakemake_builds_its_report(project):
    project.succeed("--report", "report.zip")
    assert (project.folder / "report.zip").stat().st_size > 100_000


@pytest.mark.slow
def test_a_run_says_whose_results_it_replaces(project):
    table = "results/main/tables/games.parquet"
    warning = "results/main holds the results of tiny, taught by Llama-2-70b-chat, seeds 1"
    said = project.succeed(table, "--forcerun", "tabulate_games")
    assert warning not in " ".join(said.split())
    project.edit("tiny.yaml", "  threads: 1", "  threads: 1\n  seeds: [2]")
    said = project.succeed(table, "--forcerun", "tabulate_games")
    assert warning in " ".join(said.split())
