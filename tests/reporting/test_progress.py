"""How far a run is, in lines."""

import logging
import os
import time

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from tom.reporting import progress
from tom.reporting.progress import StageLines, TrainingLines


def record(event: LogEvent, **fields) -> logging.LogRecord:
    return logging.makeLogRecord({"event": event, **fields})


@pytest.fixture
def run():
    """Takes rules in the order in which their jobs end; returns what was told."""

    def ended(rules: list[str], jobs: dict[str, int]) -> list[str]:
        told = []
        lines = StageLines(jobs, told.append)
        for number, rule in enumerate(rules):
            lines.emit(record(LogEvent.JOB_INFO, jobid=number, rule_name=rule))
        for number in range(len(rules)):
            lines.emit(record(LogEvent.JOB_FINISHED, job_id=number))
        return told

    return ended


def test_a_rule_is_told_when_its_last_job_has_ended(run):
    jobs = {"sample_shard": 2, "train_adapter": 1, "all": 1}
    assert run(["sample_shard", "train_adapter", "sample_shard", "all"], jobs) == [
        "train_adapter: 1 of 1 (2 of 4 jobs of this run)",
        "sample_shard: 2 of 2 (3 of 4 jobs of this run)",
    ]


def test_a_long_stage_is_told_before_its_end(run, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0)
    told = run(["sample_shard"] * 3, {"sample_shard": 3, "all": 1})
    assert [line.partition(" (")[0] for line in told] == [f"sample_shard: {number} of 3" for number in (1, 2, 3)]


def test_jobs_of_other_runs_and_messages_are_passed_over(run):
    told = []
    lines = StageLines({"all": 2}, told.append)
    lines.emit(record(LogEvent.JOB_FINISHED, job_id=7))
    lines.emit(logging.makeLogRecord({"msg": "text"}))
    assert told == []


@pytest.fixture
def training(tmp_path, monkeypatch):
    """Lines of trainings whose logs are looked at when a test says so: what takes them, and the log of job 1."""
    monkeypatch.setattr(TrainingLines, "follow", lambda self: None)
    told, log = [], tmp_path / "seed1.log"
    lines = TrainingLines("train_adapter", told.append)
    started = {"jobid": 1, "rule_name": "train_adapter", "log": [str(log)], "wildcards": {"seed": "1"}}
    lines.emit(record(LogEvent.JOB_INFO, **started))
    return lines, told, log


def test_a_training_tells_how_long_the_other_epochs_take(training):
    lines, told, log = training
    lines.look()
    log.write_text("32 optimiser steps: 4 epochs of 8\nepoch 1/4: loss 1.1826, 77.9 s\n")
    lines.look()
    lines.look()
    assert told == ["train_adapter, seed 1: epoch 1 of 4 done, about 3 min 54 s to the end of the last"]


def test_steps_after_the_epochs_are_told_and_nothing_after_the_last_of_each(training):
    lines, told, log = training
    log.write_text("epoch 3/4: loss .4, held out 0.5000, 10.0 s\nepoch 4/4: loss 0.3305, 80.6 s\n")
    lines.look()
    log.write_text(
        "epoch 4/4: loss 0.3, 80.6 s\nGauss-Newton step 1/3: loss 0.3, deviance before it 2 per prompt, 20.5 s\n"
    )
    lines.look()
    assert told == ["train_adapter, seed 1: Gauss-Newton step 1 of 3 done, about 41 s to the end of the last"]


def test_the_log_of_an_earlier_training_is_not_told(training):
    lines, told, log = training
    log.write_text("epoch 1/4: loss 1.1826, 77.9 s\n")
    earlier = time.time() - 3600
    os.utime(log, (earlier, earlier))
    lines.look()
    assert told == []


def test_an_ended_training_is_followed_no_longer(training):
    lines, told, log = training
    log.write_text("epoch 1/4: loss 1.1826, 77.9 s\n")
    lines.emit(record(LogEvent.JOB_FINISHED, job_id=1))
    lines.look()
    assert told == [] and not lines.running
