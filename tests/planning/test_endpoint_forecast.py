"""What an endpoint will be asked: exact requests, tokens at most or as finished cells took, and the cost."""

import json
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest

from tom.engines.endpoint import Usage
from tom.planning.endpoint_forecast import endpoint_lines, game_usage, missing_key
from tom.planning.forecast import COLUMNS

ASKED = {"observations": 40, "variants": 2, "scored": 4, "n_per_request": 10, "max_tokens": 5, "prompt_characters": 401}
SHARD = "results/shards/teacher-00000000/choice-00000000/{}.parquet"
GAMES = {"choice-00000000": game_usage(**ASKED)}
SCORED = {"choice-00000000": ASKED["scored"]}


def plan_of(*cells: str, rule: str = "sample_endpoint") -> pl.DataFrame:
    rows = [{"rule": rule, "output": SHARD.format(cell), "reason": "missing output"} for cell in cells]
    return pl.DataFrame([dict.fromkeys(COLUMNS) | row for row in rows], schema=COLUMNS)


def finished(folder: Path, cell: str, usage: Usage) -> None:
    file = folder / "teacher-00000000/choice-00000000" / f"{cell}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(usage) | {"cost": None, "model": "x"}))


@pytest.mark.parametrize(
    ("changes", "requests"),
    [({}, 8), ({"n_per_request": 1}, 44), ({"observations": 41}, 9), ({"scored": 0, "n_per_request": 64}, 2)],
    ids=str,
)
def test_requests_follow_from_the_config(changes, requests):
    assert game_usage(**ASKED | changes).requests == requests


def test_without_finished_cells_tokens_are_arithmetic(tmp_path):
    (line,) = endpoint_lines(plan_of("stag_hunt/sports", "drawn-0to63/sports"), GAMES, SCORED, tmp_path, (3.0, 15.0), 8)
    games, prompt, replies = 65, 8 * 101, 4 + 40 * 5
    assert f"endpoint: {games * 8} requests in 2 job(s), {games * 4} of them for exact probabilities;" in line
    assert "; 8 at a time, 0.02 hours at 1 s a request; about" in line
    assert f" about {games * prompt:,} prompt tokens" in line
    assert f"at most {games * replies:,} tokens of replies" in line
    assert f"cost at most {(3 * games * prompt + 15 * games * replies) / 1e6:.2f} " in line


def test_finished_cells_of_the_same_asking_say_what_a_game_takes(tmp_path):
    finished(tmp_path, "stag_hunt/sports", Usage(8, 0, 1000, 80))
    finished(tmp_path, "drawn-0to2/sports", Usage(24, 0, 5000, 320))
    finished(tmp_path, "stag_hunt/business", Usage(8, 1, 7, 7))  # without a count of some answer
    (line,) = endpoint_lines(plan_of("snowdrift/sports"), GAMES, SCORED, tmp_path, (None, None), 8)
    assert "8 requests in 1 job(s), 4 of them for exact probabilities; 8 at a time, 0.00 hours at" in line
    assert " 1 s a request; about 1,500 prompt tokens" in line
    assert "and about 100 tokens of replies" in line
    assert "as in 2 finished cells" in line and "no cost" in line


def test_a_plan_that_asks_no_endpoint_says_nothing_of_one(tmp_path):
    assert (
        endpoint_lines(plan_of("stag_hunt/sports", rule="sample_shard"), GAMES, SCORED, tmp_path, (None, None), 8) == []
    )


def test_a_plan_misses_a_key_only_where_the_endpoint_is_asked(monkeypatch):
    monkeypatch.delenv("TEST_KEY", raising=False)
    asking, other = plan_of("stag_hunt/sports"), plan_of("stag_hunt/sports", rule="sample_shard")
    assert missing_key(asking, "TEST_KEY") == 'export TEST_KEY=..., or key_variable: "" for a server without keys'
    assert missing_key(asking, "") == missing_key(other, "TEST_KEY") == ""
    monkeypatch.setenv("TEST_KEY", "sk-1")
    assert missing_key(asking, "TEST_KEY") == ""
