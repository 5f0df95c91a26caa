"""How far a run is, in lines for a file: what the progress bar of the logger shows in a terminal, and nowhere else."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping

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
