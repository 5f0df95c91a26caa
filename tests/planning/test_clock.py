"""How long a planned run takes by the clock: its cores, what jobs take turns on, or the longest chain of jobs."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from tom.planning.clock import Machine, clock_line, clock_seconds
from tom.planning.forecast import Sharing, forecast
from tom.planning.planned_jobs import PlannedJob, Timing

TWO_CORES = Machine(2, {"gpu": 1, "endpoint": 1})


def job(name: str, seconds: float, *after: str, **fields) -> PlannedJob:
    """A job that was measured, and those whose files it reads."""
    defaults = {"reason": "code", "timing": Timing(seconds, 1, True), "after": tuple(map(Path, after))}
    return PlannedJob("sample", "sample_shard", name, (Path(name),), **defaults | fields)


def planned(jobs: list[PlannedJob]) -> pl.DataFrame:
    return forecast(jobs, Sharing({}, 0), 300)


def seconds(jobs: list[PlannedJob], machine: Machine = TWO_CORES) -> float:
    return clock_seconds(jobs, planned(jobs), machine)[0]


def test_jobs_that_wait_for_nothing_share_the_cores():
    jobs = [job(name, 60) for name in "abcd"]
    assert seconds(jobs) == 120
    assert seconds(jobs, Machine(1, {})) == 240
    # One that asks for more cores than there are takes all of them.
    assert seconds([replace(each, threads=8) for each in jobs]) == 240


def test_jobs_that_wait_for_one_another_take_as_long_as_their_longest_chain():
    jobs = [job("a", 60), job("b", 60, "a"), job("c", 60, "b"), job("d", 10, "a"), job("e", 10)]
    assert seconds(jobs) == 180
    # What is done already is waited for by nothing.
    assert seconds([replace(jobs[0], reason=None), *jobs[1:]]) == 120


def test_jobs_that_take_turns_do_not_share_the_cores():
    jobs = [job(name, 60, turns={"endpoint": 1}) for name in "abcd"]
    assert seconds(jobs) == 240
    gpus = [job(name, 60, gpus=4, turns={"gpu": 4}) for name in "abcd"]
    assert seconds(gpus, Machine(16, {"gpu": 8})) == 120
    # A run lowers what a job asks for to its own limit.
    assert seconds(gpus, Machine(16, {"gpu": 1})) == 240


def test_the_line_says_what_it_assumes_and_whether_it_rests_on_limits():
    measured = [job(name, 360) for name in "abcd"]
    said = clock_line(measured, planned(measured), TWO_CORES)
    assert said.startswith("by the clock: about 12 minutes on 2 cores (--cores of this command), if no core is ever ")
    assert "limits" not in said
    limited = [replace(measured[0], timing=None, minutes=60), *measured[1:]]
    said = clock_line(limited, planned(limited), TWO_CORES)
    assert said.startswith("by the clock: about 60 minutes on 2 cores") and "they are limits" in said
    assert "as long as the longest chain of jobs, each of which waits for the one before" in said
    others = [*limited, job("e", 5, timing=Timing(5, 1, False))]
    said = clock_line(others, planned(others), TWO_CORES)
    assert "Times of other models, seeds or splits are part of it, so it is no bound." in said and "less" not in said
    asking = [job("a", 360), job("b", 0, "a", timing=None, turns={"endpoint": 1})]
    said = clock_line(asking, planned(asking), TWO_CORES)
    assert said.startswith("by the clock: about 6 minutes") and "The endpoint's answers come on top." in said
    done = [replace(each, reason=None) for each in measured]
    assert clock_line(done, planned(done), TWO_CORES) == ""
    short = [job("a", 40)]
    assert "about 40 seconds on 1 core " in clock_line(short, planned(short), Machine(1, {}))
