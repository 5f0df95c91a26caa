import time

import pytest

from tom.core.errors import UserError
from tom.core.job_times import load_seconds, read_benchmark, say_loaded
from tom.page.durations import Jobs, duration_words, jobs_from_words, total_durations
from tom.reporting.wording import duration

HEADER = "s\th:m:s\tmax_rss\tcpu_time\n"
BASE = "sample/base-1a2b3c4d/choice-aabbccdd"
LOGS = {
    "train/student-seed1": "20 prompts\nmodel loaded in 7.5 s\nepoch 1/2: loss 0.5\n",
    f"{BASE}/stag_hunt/business": (
        "resident engine started: model loaded in 3.0 s\nno resident engine: the engine went away\n"
        "resident engine started: model loaded in 2.5 s\n"
    ),
}
WORDS = [
    ["fetch", "0", "fetch_model/source"],
    ["convert", "2", "convert_model/source-nf4"],
    ["sample base", "2", f"{BASE}/stag_hunt/{{business,sports}}", f"{BASE}/stag_hunt/business"],
    ["sample teacher", "0", "sample/teacher/stag_hunt/business"],
    ["train", "2", "train/student-seed1"],
    ["evaluate", "0", "main/evaluate/in_sample"],
]


@pytest.fixture
def totals(tmp_path):
    """The durations of WORDS, in a folder that also has a file of another config's job."""
    for name, line in {
        "train/student-seed1": "100\t0:01:40\t900\t150",
        f"{BASE}/stag_hunt/business": "10\t0:00:10\tNA\t-",
        f"{BASE}/stag_hunt/gone": "1000\t0:16:40\t5\t5",
    }.items():
        file = tmp_path / f"benchmarks/{name}.tsv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{HEADER}{line}\n")
    for name, text in LOGS.items():
        file = tmp_path / f"logs/{name}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def of(words):
        return total_durations(map(jobs_from_words, words), tmp_path / "benchmarks", tmp_path / "logs")

    return of


def test_only_the_named_jobs_count_each_once(totals):
    rows = {row["stage"]: row for row in totals(WORDS).iter_rows(named=True)}
    assert list(rows) == ["fetch", "convert", "sample base", "sample teacher", "train", "evaluate"]
    assert (rows["sample base"]["jobs"], rows["sample base"]["timed"], rows["sample base"]["seconds"]) == (2, 1, 10)
    assert (rows["train"]["cpu_seconds"], rows["train"]["gpu_seconds"], rows["train"]["peak_mib"]) == (150, 200, 900)
    assert (rows["fetch"]["timed"], rows["fetch"]["peak_mib"]) == (0, None)
    assert rows["sample teacher"]["gpu_seconds"] == 0


def test_loading_is_set_apart_from_work(totals):
    loads = {row["stage"]: (row["load_seconds"], row["gpu_load_seconds"]) for row in totals(WORDS).to_dicts()}
    assert loads["train"] == (7.5, 15)
    assert loads["sample base"] == (5.5, 11)
    assert loads["fetch"] == loads["convert"] == loads["sample teacher"] == (0, 0)


@pytest.mark.parametrize("words", [["train"], ["train", "train/student-seed1"]])
def test_jobs_without_a_number_of_gpus_are_refused(words):
    with pytest.raises(UserError, match=r"--jobs train.*: needs a stage, a number of GPUs"):
        jobs_from_words(words)


def test_names_are_unpacked():
    assert jobs_from_words(["s t", "1", "a/{b,c}"]) == Jobs("s t", 1, ("a/b", "a/c"))


def test_what_a_job_says_of_its_load_is_read_again(tmp_path, capsys):
    say_loaded(time.monotonic() - 12.3)
    said = capsys.readouterr().err
    log = tmp_path / "job.log"
    log.write_text(f"something\n{said}wrote something: 5.0 s\n")
    assert 12.3 <= load_seconds(log) < 13
    assert load_seconds(tmp_path / "absent.log") == 0


def test_the_words_say_how_many_jobs_have_a_time(totals):
    words = duration_words(totals(WORDS))
    assert words.startswith("2 of 7 jobs have a recorded time. One after another they took 1 min 50 s by the clock")
    assert "of which 13 s went into loading models" in words
    assert "150 CPU-seconds and 220 GPU-seconds (26 of them loading)" in words
    alone = [[stage, "0", *names] for stage, _, *names in WORDS]
    assert "and 0 GPU-seconds. Energy" in duration_words(totals(alone))


def test_a_benchmark_is_read_as_far_as_it_has_numbers(tmp_path):
    (tmp_path / "job.tsv").write_text(f"{HEADER}10\t0:00:10\tNA\t-\n")
    assert read_benchmark(tmp_path / "job.tsv") == {"s": 10.0}
    assert read_benchmark(tmp_path / "absent.tsv") == {}
    (tmp_path / "empty.tsv").write_text("")
    assert read_benchmark(tmp_path / "empty.tsv") == {}


def test_durations_in_words():
    assert [duration(seconds) for seconds in (0.4, 59.4, 90, 4020)] == ["0 s", "59 s", "1 min 30 s", "1 h 07 min"]
