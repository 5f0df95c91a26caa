"""How far a run is, in lines."""

import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from tom.reporting import progress
from tom.reporting.progress import StageLines


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
