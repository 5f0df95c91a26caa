"""How far a run is, in lines: the jobs of each rule that have ended, and how long a training still takes.

Both read what Snakemake logs, in its own process: no job knows of them, so an edit here reruns nothing.
"""

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from snakemake_interface_logger_plugins.common import LogEvent

SECONDS = 60
"""A rule's jobs are counted when the last of them has ended, and so often before."""


class StageLines(logging.Handler):
    """Tells `sample_shard: 40 of 106 (95 of 179 jobs of this run)` as jobs end.

    jobs: how many a run has of each rule. tell: takes a line.
    """

    def __init__(self, jobs: Mapping[str, int], tell: Callable[[str], None]):
        super().__init__()
        self.jobs, self.tell = jobs, tell
        self.rules: dict[int, str] = {}
        self.done: Counter[str] = Counter()
        self.told = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO:
            self.rules[record.jobid] = record.rule_name
        elif event == LogEvent.JOB_FINISHED and record.job_id in self.rules:
            rule = self.rules.pop(record.job_id)
            self.done[rule] += 1
            now, all_jobs = time.monotonic(), sum(self.jobs.values())
            # The last job of a run is its target, after which the run says so itself.
            if self.done.total() < all_jobs and (self.done[rule] == self.jobs[rule] or now - self.told >= SECONDS):
                self.told = now
                line = f"{rule}: {self.done[rule]} of {self.jobs[rule]}"
                self.tell(f"{line} ({self.done.total()} of {all_jobs} jobs of this run)")


POLL_SECONDS = 10
"""Between two looks at the logs of trainings."""

_DONE = re.compile(r"^(epoch|Gauss-Newton step) (\d+)/(\d+): .*?([\d.]+) s$", re.MULTILINE)
"""How a training's log tells the end of a part of it, and how long that took (tom/training)."""


@dataclass
class Training:
    """A training job. log: its file. started: time.time() when it was. told: the last line about it."""

    name: str
    log: Path
    started: float
    told: str = ""

    def line(self) -> str | None:
        """How many epochs or steps are done and how long the others take; None if nothing is to be told yet."""
        try:
            # A log from before this job is that of an earlier training.
            text = self.log.read_text(encoding="utf-8", errors="replace") if self.changed() else ""
        except OSError:
            return None
        done = _DONE.findall(text)
        if not done or done[-1][1] == done[-1][2]:
            return None
        # It brings packages along that no run should wait for as it starts.
        from tom.reporting.wording import duration

        part, number, parts, seconds = done[-1]
        left = duration((int(parts) - int(number)) * float(seconds))
        return f"{self.name}: {part} {number} of {parts} done, about {left} to the end of the last"

    def changed(self) -> bool:
        """Whether this job has written to its log."""
        return self.log.stat().st_mtime >= self.started


class TrainingLines(logging.Handler):
    """Tells `train_adapter, seed 1: epoch 2 of 4 done, about 2 min 30 s to the end of the last` as a training goes on.

    rule: of trainings. tell: takes a line. A thread reads their logs, on a cluster too, for as long as one is running.
    """

    def __init__(self, rule: str, tell: Callable[[str], None]):
        super().__init__()
        self.rule, self.tell = rule, tell
        self.running: dict[int, Training] = {}
        self.follower: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_INFO and record.rule_name.endswith(self.rule) and record.log:
            name = f"{record.rule_name}, seed {record.wildcards['seed']}"
            self.running[record.jobid] = Training(name, Path(record.log[0]), time.time())
            if self.follower is None or not self.follower.is_alive():
                self.follower = threading.Thread(target=self.follow, daemon=True)
                self.follower.start()
        elif event in (LogEvent.JOB_FINISHED, LogEvent.JOB_ERROR):
            self.running.pop(getattr(record, "job_id", getattr(record, "jobid", None)), None)

    def follow(self) -> None:
        while self.running:
            time.sleep(POLL_SECONDS)
            self.look()

    def look(self) -> None:
        """Tell what is new of each training that is running."""
        for training in [*self.running.values()]:
            line = training.line()
            if line and line != training.told:
                training.told = line
                self.tell(line)
