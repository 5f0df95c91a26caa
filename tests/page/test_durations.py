import time

import polars as pl
import pytest

from tom.core.job_times import load_seconds, read_benchmark, say_loaded
from tom.page.durations import duration_words, jobs_of, total_durations
from tom.page.number_format import duration

HEADER = "s\th:m:s\tmax_rss\tcpu_time\n"
CONFIG = {
    "teacher": {"engine": "recorded"},
    "student": {"engine": "transformers", "precision": "nf4", "gpus": 2},
    "training": {"seeds": [1]},
}
LOGS = {
    "train/all-seed1": "20 prompts\nmodel loaded in 7.5 s\npass 1/2: loss 0.5\n",
    "sample/base/stag_hunt-business": (
        "resident engine started: model loaded in 3.0 s\nno resident engine: the engine went away\n"
        "resident engine started: model loaded in 2.5 s\n"
    ),
}


@pytest.fixture
def results(tmp_path):
    for name, line in {
        "train/all-seed1": "100\t0:01:40\t900\t150",
        "sample/base/stag_hunt-business": "10\t0:00:10\tNA\t-",
        "sample/base/stag_hunt-gone": "1000\t0:16:40\t5\t5",
    }.items():
        file = tmp_path / f"benchmarks/{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{HEADER}{line}\n")
    for name, text in LOGS.items():
        file = tmp_path / f"logs/{name}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.fixture
def rates():
    keys = {"split": "in_sample", "game": "stag_hunt", "context": "business"}
    return pl.DataFrame([keys | {"model": model, "order": order} for model in ("base", "teacher") for order in "ab"])


def test_only_the_runs_own_jobs_count(results, rates):
    totals = total_durations(jobs_of(rates, CONFIG), results)
    rows = {row["stage"]: row for row in totals.iter_rows(named=True)}
    assert list(rows) == ["fetch", "convert", "sample base", "sample teacher", "train", "evaluate"]
    assert (rows["sample base"]["jobs"], rows["sample base"]["timed"], rows["sample base"]["seconds"]) == (1, 1, 10)
    assert (rows["train"]["cpu_seconds"], rows["train"]["gpu_seconds"], rows["train"]["peak_mib"]) == (150, 200, 900)
    assert (rows["fetch"]["timed"], rows["fetch"]["peak_mib"]) == (0, None)
    assert rows["sample teacher"]["gpu_seconds"] == 0


def test_loads_are_told_from_work(results, rates):
    totals = total_durations(jobs_of(rates, CONFIG), results)
    loads = {row["stage"]: (row["load_seconds"], row["gpu_load_seconds"]) for row in totals.iter_rows(named=True)}
    assert loads["train"] == (7.5, 15)
    assert loads["sample base"] == (5.5, 11)
    assert loads["fetch"] == loads["convert"] == loads["sample teacher"] == (0, 0)


def test_what_a_job_says_of_its_load_is_read_again(tmp_path, capsys):
    say_loaded(time.monotonic() - 12.3)
    said = capsys.readouterr().err
    log = tmp_path / "job.log"
    log.write_text(f"something\n{said}wrote something: 5.0 s\n")
    assert 12.3 <= load_seconds(log) < 13
    assert load_seconds(tmp_path / "absent.log") == 0


def test_the_words_say_how_many_jobs_left_a_time(results, rates):
    words = duration_words(total_durations(jobs_of(rates, CONFIG), results))
    assert words.startswith("2 of 6 jobs left a time: 1 min 50 s by the clock")
    assert "of which 13 s went into loading models" in words
    assert "150 CPU-seconds and 220 GPU-seconds (26 of them loading)" in words
    alone = CONFIG | {"student": CONFIG["student"] | {"gpus": 0}}
    assert "and 0 GPU-seconds. Energy" in duration_words(total_durations(jobs_of(rates, alone), results))


def test_a_benchmark_is_read_as_far_as_it_has_numbers(results, tmp_path):
    assert read_benchmark(results / "benchmarks/sample/base/stag_hunt-business.tsv") == {"s": 10.0}
    assert read_benchmark(tmp_path / "absent.tsv") == {}
    (tmp_path / "empty.tsv").write_text("")
    assert read_benchmark(tmp_path / "empty.tsv") == {}


def test_durations_in_words():
    assert [duration(seconds) for seconds in (0.4, 59.4, 90, 4020)] == ["0 s", "59 s", "1 min 30 s", "1 h 07 min"]
