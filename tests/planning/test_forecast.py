"""What a plan expects, from earlier jobs or from estimates, and what it says of itself afterwards."""

import os
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.io import IOFile

from tom.core.errors import UserError
from tom.planning.forecast import COLUMNS, Sharing, forecast
from tom.planning.plan_lines import budget_line, disk_words, hours, plan_lines
from tom.planning.planned_jobs import REASONS, Comparable, PlannedJob, TimedJobs, Timing
from tom.planning.review import actual_seconds, read_plan, review_lines
from tom.slurm.job_resources import OBSERVATION_BYTES, OTHER_SECONDS
from tom.training.batching import describe_steps

ONE_MACHINE = Sharing({}, 0)


def shard(number: int, model: str = "base", **fields) -> PlannedJob:
    """A shard that is to be sampled."""
    output = Path("absent", "shards", model, "game", f"context{number}.parquet")
    defaults = {
        "reason": "missing output",
        "minutes": 6,
        "work_seconds": 45,
        "engine": model,
        "loaded": model,
        "threads": 2,
    }
    return PlannedJob("sample", "sample_untuned", model, (output,), **defaults | fields)


def test_shards_of_a_model_share_a_load_as_far_as_they_run_together():
    jobs = [shard(number, model) for model in ("base", "teacher") for number in range(5)]
    assert sum(ONE_MACHINE.loads(jobs)) == 2
    assert sum(Sharing({}, 1).loads(jobs)) == 10
    assert sum(Sharing({"sample_untuned": ("sample-{model}", 2)}, 1).loads(jobs)) == 2 * 3
    assert ONE_MACHINE.loads([shard(0, engine="", loaded="")]) == [False]


def test_a_base_and_its_students_share_a_load_on_one_machine_and_none_on_a_cluster():
    jobs = [shard(number, model, loaded="weights") for model in ("base", "tuned") for number in range(5)]
    assert sum(ONE_MACHINE.loads(jobs)) == 1
    assert sum(Sharing({"sample_untuned": ("sample-{model}", 5)}, 1).loads(jobs)) == 2


def test_an_estimate_counts_a_load_once():
    table = forecast([shard(number) for number in range(3)], ONE_MACHINE, 300)
    assert table["seconds"].to_list() == [360, 45, 45]
    assert set(table["seconds_from"]) == {"estimate"} and table["timed"].sum() == 0
    assert table["bytes"].to_list() == [300 * OBSERVATION_BYTES] * 3
    block = replace(shard(0), outputs=(Path("absent/shards/base/drawn-60to63-x2/neutral.parquet"),))
    assert forecast([block], ONE_MACHINE, 300)["bytes"].to_list() == [4 * 300 * OBSERVATION_BYTES]
    (other,) = forecast([shard(0, minutes=None)], ONE_MACHINE, 300)["seconds"]
    assert other == OTHER_SECONDS


def test_a_job_without_a_model_takes_its_seconds_and_not_its_whole_minutes():
    replay = shard(0, engine="", minutes=1, work_seconds=2, holds_model=False)
    (seconds,) = forecast([replay], ONE_MACHINE, 300)["seconds"]
    assert seconds == 2
    # A training asks for a model that no other job shares.
    (seconds,) = forecast([replace(replay, holds_model=True)], ONE_MACHINE, 300)["seconds"]
    assert seconds == 60
    (seconds,) = forecast([replace(replay, work_seconds=None)], ONE_MACHINE, 300)["seconds"]
    assert seconds == 60


def test_earlier_jobs_win_over_estimates():
    jobs = [shard(0, timing=Timing(4.0, 7, True)), shard(1, "teacher", timing=Timing(9.0, 3, False))]
    table = forecast(jobs, ONE_MACHINE, 300)
    assert table.select("seconds", "seconds_from", "timed").rows() == [(4, "measured", 7), (9, "other subjects", 3)]


def test_sizes_are_those_of_what_the_rule_has_written(tmp_path):
    for number in range(2):
        file = tmp_path / f"shards/base/game/context{number}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"1" * 100 * (number + 1))
    written = [shard(number, reason=None) for number in range(2)]
    done = [replace(job, outputs=(tmp_path / Path(*job.outputs[0].parts[1:]),)) for job in written]
    table = forecast([*done, shard(2), shard(3, "teacher")], ONE_MACHINE, 300)
    assert table["bytes"].to_list() == [None, None, 150, 150]
    assert table["bytes_from"].to_list() == [None, None, "measured", "other subjects"]


def test_a_gpus_hours_are_not_the_cpus():
    table = forecast([shard(0, gpus=4, timing=Timing(1800, 1, True)), shard(1, timing=Timing(3600, 1, True))],
                     ONE_MACHINE, 300)  # fmt: skip
    assert hours(table, gpus=True) == 4 * 0.5
    assert hours(table, gpus=False) == 2 * 1


def test_only_hours_that_rest_on_a_limit_are_at_most_so_many():
    gpu, cpu = shard(0, gpus=1), shard(1, timing=Timing(3600, 1, False))
    said = plan_lines(forecast([gpu, cpu], ONE_MACHINE, 300), "all", ["8 steps"], 0, clock="by the clock: 9 minutes.")
    assert "CPU time: about 2.00 hours (threads times the seconds by the clock)." in said
    assert "no bound: times of other models, seeds or splits are part of the CPU time." in said
    assert "no bound: times of other models, seeds or splits are part of the GPU time." not in said
    assert "GPU time: at most 0.10 hours (GPUs times the seconds by the clock)." in said
    assert "by the clock: 9 minutes." in said


def test_hours_that_rest_on_other_models_are_no_bound_whatever_else_they_rest_on():
    jobs = [shard(0), shard(1, timing=Timing(3600, 1, False), memory_mb=4000)]
    said = "\n".join(plan_lines(forecast(jobs, ONE_MACHINE, 300), "all", ["8 steps"], 0))
    assert "CPU time: about 2.20 hours" in said and "at most" not in said
    assert "Without GPUs the time of another model is scaled by the numbers of weights." in said


def test_an_endpoints_time_is_unknown_until_it_has_answered():
    asking = replace(shard(0, "teacher"), rule="sample_endpoint", minutes=None, engine="", turns={"endpoint": 1})
    table = forecast([asking, shard(1, timing=Timing(3600, 1, True))], ONE_MACHINE, 300)
    assert table["seconds"].to_list() == [None, 3600]
    lines = plan_lines(table, "all", ["8 steps"], 0)
    assert rows(lines)[3][:5] == ["sample_endpoint", "1", "0", "", "unknown"]
    assert "CPU time: about 2.00 hours, without 1 job of unknown time (threads times" in "\n".join(lines)
    (answered,) = forecast([replace(asking, timing=Timing(40, 1, True))], ONE_MACHINE, 300)["seconds"]
    assert answered == 40


def test_a_plan_says_which_gpu_its_largest_job_needs():
    jobs = [shard(0, gpus=1, gpu_mb=9600), shard(1, gpus=4, gpu_mb=44_400), shard(2, gpus=0, gpu_mb=0), shard(3)]

    def said(some: list[PlannedJob]) -> str:
        return "\n".join(plan_lines(forecast(some, ONE_MACHINE, 300), "all", ["8 steps"], 0))

    assert "GPU memory: sample_untuned needs up to 44 GB of each of 4 GPUs." in said(jobs)
    assert "needs up to 10 GB of a GPU." in said(jobs[:1]) and "docs/gpu.md" in said(jobs[:1])
    assert "GPU" not in said(jobs[2:])


def test_a_plan_says_how_much_main_memory_the_largest_job_of_each_rule_asks_for():
    training = PlannedJob("train", "train_adapter", "student", (Path("absent"),), "code", memory_mb=5040)
    jobs = [shard(0, memory_mb=4100), shard(1, memory_mb=4600), replace(shard(2), rule="replay_shard"), training]
    lines = plan_lines(forecast(jobs, ONE_MACHINE, 300), "all", ["8 steps"], 941)
    said = " ".join(line.strip() for line in lines)
    assert "main memory: sample_untuned asks for up to 4.6 GB. " in said
    training = "main memory: train_adapter asks for up to 5.0 GB, of which 0.9 GB are for the Gauss-Newton steps of"
    assert training in said and "replay_shard asks" not in said
    assert "These are limits, of one job each: a job may take less than half. Jobs that run at a time add up." in said
    assert "main memory" not in " ".join(plan_lines(forecast([shard(0)], ONE_MACHINE, 300), "all", ["8 steps"], 941))


def rows(lines: list[str]) -> list[list[str]]:
    """The cells of the lines of a plan's table."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_one_table_says_what_runs_and_on_what_figures_rest():
    jobs = [shard(0, timing=Timing(5.0, 7, True), reason="params"), shard(1), shard(2, reason=None)]
    lines = plan_lines(forecast(jobs, ONE_MACHINE, 300), "all", ["8 steps"], 900)
    said = "\n".join(lines)
    assert "2 jobs to run, 1 done" in said
    header, _, *found = rows(lines)
    assert header == ["stage, and its rules", "jobs", "done", "s a job", "from", "CPU-h", "disk"]
    sums = [f"{2 * (5 + 45) / 3600:.2f}", f"{2 * 300 * OBSERVATION_BYTES / 1e6:.1f} MB"]
    assert found == [
        ["sample", "2", "1", "", "", *sums],
        ["sample_untuned", "2", "1", "25", "measured (7)", *sums],
        ["", "", "", "", "estimate", "", ""],
        ["all", "2", "1", "", "", *sums],
    ]
    assert {"missing output: sample_untuned (1).", "params: sample_untuned (1)."} <= set(lines)
    assert "shards: 2." in said and "a model is loaded 1 time at least" in said
    assert f"CPU time: at most {sums[0]} hours" in said
    assert "GPU" not in said
    assert "8 steps" not in said  # nothing is trained
    assert "What limits it" not in said
    (done,) = plan_lines(forecast([shard(0, reason=None)], ONE_MACHINE, 300), "all", ["8 steps"], 900)
    assert "nothing to do" in done


@pytest.mark.parametrize(
    ("seconds", "measured", "said"), [(3.4, True, "3.4"), (9.97, True, "10"), (56.8, True, "57"), (120, False, "120")]
)
def test_only_short_times_that_were_measured_have_a_decimal(seconds, measured, said):
    job = shard(0, timing=Timing(seconds, 7, True) if measured else None, minutes=2)
    found = rows(plan_lines(forecast([job], ONE_MACHINE, 300), "all", ["8 steps"], 900))
    assert found[3][3] == said


def test_large_sizes_are_in_gigabytes():
    assert [disk_words(size) for size in (1.3e6, 999.9e6, 1e9, 7732.9e6)] == ["1.3 MB", "999.9 MB", "1.0 GB", "7.7 GB"]
    job = PlannedJob("prepare", "fetch_model", "", (Path("absent"),), "code", disk_mb=7733)
    lines = plan_lines(forecast([job], ONE_MACHINE, 300), "all", ["8 steps"], 900)
    assert rows(lines)[3][-1] == "7.7 GB" and "disk: about 7.7 GB." in lines


def test_a_rule_with_nothing_to_run_is_only_counted_in_its_stage():
    jobs = [shard(0), replace(shard(1, reason=None), rule="replay_shard")]
    lines = plan_lines(forecast(jobs, ONE_MACHINE, 300), "all", ["8 steps"], 900)
    assert [row[:3] for row in rows(lines)[2:]] == [
        ["sample", "1", "1"],
        ["sample_untuned", "1", "0"],
        ["all", "1", "1"],
    ]
    assert "missing output: all of them." in lines


def test_rules_that_take_as_long_by_one_estimate_share_the_line_of_their_stage():
    figures = [PlannedJob("figures", rule, "", (Path(rule),), "code") for rule in ("plot_a", "plot_b")]
    lines = plan_lines(forecast([shard(0), *figures], ONE_MACHINE, 300), "all", ["8 steps"], 900)
    assert [row[:5] for row in rows(lines)[2:]] == [
        ["sample", "1", "0", "", ""],
        ["sample_untuned", "1", "0", "360", "estimate"],
        ["figures", "2", "0", f"{OTHER_SECONDS}", "estimate"],
        ["all", "3", "0", "", ""],
    ]
    assert "figures: plot_a (1), plot_b (1)." in lines
    measured = [replace(job, timing=Timing(seconds, 1, True)) for seconds, job in enumerate(figures)]
    lines = plan_lines(forecast(measured, ONE_MACHINE, 300), "all", ["8 steps"], 900)
    assert [row[0] for row in rows(lines)[2:]] == ["figures", "plot_a", "plot_b", "all"]


def test_the_lines_of_a_plan_fit_a_terminal_of_100_columns(root):
    rule = max((file.stem for file in (root / "workflow" / "scripts").glob("*.py")), key=len)
    kinds = [Timing(5.0, 99_999, True), Timing(5.0, 99_999, False), None]
    jobs = [
        PlannedJob("evaluate", rule, "x", (Path(f"{number}"),), reason, minutes=99_999, gpus=4, gpu_mb=44_400,
                   memory_mb=444_000, timing=timing)
        for number, (reason, timing) in enumerate(product(REASONS, kinds))
    ]  # fmt: skip
    endpoint, refusal = ["endpoint: " + 40 * "many words "], 40 * "many words "
    lines = plan_lines(forecast(jobs, ONE_MACHINE, 300), "all", ["8 steps"], 900, asked=endpoint, refused=refusal)
    assert max(map(len, lines)) <= 100, max(lines, key=len)


def test_a_plan_sets_what_limits_it_apart_from_what_it_costs():
    training = PlannedJob("train", "train_adapter", "student", (Path("absent"),), reason="code", minutes=30)
    table = forecast([training, shard(0)], ONE_MACHINE, 300)
    lines = plan_lines(table, "all", ["8 steps"], 900, "taught: 6.", ["endpoint: 7 requests."], "gpus: 1, but 0")
    at = {line: lines.index(line) for line in lines}
    costs, limits, reading = at["What it costs:"], at["What limits it:"], at["How to read it:"]
    assert costs < at["taught: 6."] < at["endpoint: 7 requests."] < limits
    assert lines[1] == "GPUs: a run here would be refused. gpus: 1, but 0." and limits < reading


def test_a_plan_that_trains_says_how_many_steps_and_what_they_keep_in_memory():
    training = PlannedJob("train", "train_adapter", "student", (Path("absent"),), "code", minutes=30, memory_mb=5000)
    table = forecast([training], ONE_MACHINE, 300)
    said = plan_lines(table, "all", describe_steps(4, 3, 5e-5), 900)
    assert any("12 optimiser steps" in line for line in said)
    assert any(line.startswith("warning: 12 steps") for line in said)
    assert any("asks for up to 5.0 GB, of which 0.9 GB are for" in line for line in said)
    assert not any("Gauss-Newton" in line for line in plan_lines(table, "all", ["8 steps"], 0))


def test_a_plan_says_what_its_training_is_bought_with():
    training = PlannedJob("train", "train_adapter", "student", (Path("absent"),), reason="code", minutes=30)
    said = plan_lines(forecast([training], ONE_MACHINE, 300), "all", ["8 steps"], 0, budget_line(300, 20, 4))
    assert "taught: 6,000 observations of the teacher at most, 300 in each of 20 cells of 4 games" in " ".join(said)
    without = plan_lines(forecast([shard(0)], ONE_MACHINE, 300), "all", ["8 steps"], 0, budget_line(300, 20, 4))
    assert "taught" not in " ".join(without)


def test_timed_jobs_are_found_by_what_the_rule_calls_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seconds = {"base/g-a": 2, "base/g-b": 4, "teacher/g-a": 9, "tuned-seed1/g-a": 100}
    for name, value in seconds.items():
        file = Path("sample", f"{name}.tsv")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"s\tcpu_time\n{value}\tNA\n")
    pattern = IOFile("sample/{model,base|teacher|other}/{game}-{context}.tsv")
    timed = TimedJobs(sorted(Path("sample").rglob("*.tsv")))

    def of(subject: str, factors: dict[str, float]) -> Timing | None:
        return timed.of("untuned", pattern, subject, lambda other, wildcards: factors.get(wildcards["model"]))

    assert of("base", {}) == Timing(3, 2, True)
    assert of("other", {"base": 1, "teacher": 1}) == Timing(5, 3, False)
    assert of("other", {"teacher": 1}) == Timing(9, 1, False)
    assert of("other", {"teacher": 4, "base": 2}) == Timing((36 + 4 + 8) / 3, 3, False)
    assert of("other", {}) is None
    assert timed.of("none", IOFile("other/{model}.tsv"), "base", lambda *_: 1) is None


def test_a_review_looks_at_benchmark_files_that_came_after_the_plan(tmp_path):
    files = [tmp_path / f"{number}.tsv" for number in range(3)]
    for at, file in zip((100, 300), files, strict=False):
        file.write_text("s\n12.0\n")
        os.utime(file, (at, at))
    jobs = [shard(number, benchmark=file, timing=Timing(6.0, 1, True)) for number, file in enumerate(files)]
    found = actual_seconds(forecast([*jobs, shard(3)], ONE_MACHINE, 300), planned=200)
    assert found["actual"].to_list() == [None, 12, None, None]
    lines = review_lines(found)
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        *("sample_untuned", "4", "1", "measured, estimate", "6.0", "12.0", "2.00")
    ]


def test_a_review_has_no_ratio_where_a_time_was_unknown(tmp_path):
    (tmp_path / "0.tsv").write_text("s\n12.0\n")
    asking = shard(0, benchmark=tmp_path / "0.tsv", turns={"endpoint": 1})
    lines = review_lines(actual_seconds(forecast([asking], ONE_MACHINE, 300), planned=0))
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == [
        "sample_untuned",
        "1",
        "1",
        "",
        "0.0",
        "12.0",
        "",
    ]


def test_only_a_plan_can_be_looked_back_on(tmp_path):
    with pytest.raises(UserError, match="no such plan"):
        read_plan(tmp_path / "plan.parquet")
    plan = forecast([shard(0)], ONE_MACHINE, 300)
    plan.write_parquet(tmp_path / "plan.parquet")
    assert dict(read_plan(tmp_path / "plan.parquet").schema) == COLUMNS
    plan.drop("bytes").write_parquet(tmp_path / "plan.parquet")
    with pytest.raises(UserError, match="not a plan of this version"):
        read_plan(tmp_path / "plan.parquet")


def test_another_models_time_is_scaled_by_weights_and_counts_only_if_the_same_rule_made_it(monkeypatch):
    """As Snakemake remembers it."""
    weights = {name: f"models/{name}/nf4/weights" for name in ("small", "large", "gone")}
    made = {name: ("sample_shard", weights[name]) for name in weights} | {"teacher": ("replay_shard", None)}
    memory = SimpleNamespace(
        rule=lambda file: made.get(file, (None,))[0], input=lambda file: [made[file][1] or "counts"]
    )
    comparable = Comparable(SimpleNamespace(jobs=[], workflow=SimpleNamespace(persistence=memory)))
    monkeypatch.setattr(comparable, "_size", {weights["small"]: 0.135, weights["large"]: None}.get)
    output = SimpleNamespace(apply_wildcards=lambda wildcards: wildcards["model"])
    job = SimpleNamespace(
        rule=SimpleNamespace(name="sample_shard", output=[output]),
        output=["shards/model/game/context.parquet"],
        input={"weights": weights["large"]},
        resources={"engine": 1, "million_weights": 500},
    )
    factors = {name: comparable.factor(job, name, {"model": name}) for name in (*weights, "teacher")}
    assert factors == {"small": pytest.approx(0.5 / 0.135), "large": 1, "gone": None, "teacher": None}
