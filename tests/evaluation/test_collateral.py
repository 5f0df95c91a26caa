"""What tuning did beside the games: the probes, and their comparison."""

import math
import sys

import polars as pl
import probe_model
import pytest
import tabulate_collateral
from regenerate_golden import cell_files
from scipy.stats import ttest_rel

from tom.core.errors import UserError
from tom.evaluation.collateral import PROBE_COLUMNS, collateral, probe_row
from tom.games.game import load_game
from tom.prompts.probes import Probe, load_probes, payoff_probes
from tom.prompts.prompts import load_prompt_format

FIELDS = {"model": "base", "model_sha256": "0", "adapter_sha256": None}
FULL_REPLY = ("8", "0", "5", "2")


def table(**values: list[float]) -> pl.DataFrame:
    """Three probes of each kind; model → their values."""
    rows = [
        FIELDS | {"model": model, "kind": kind, "probe": str(number), "value": value}
        | {"right": value > 0.5 if kind == "comprehension" else None}
        for model, found in values.items()
        for kind in ("text", "instruction", "comprehension")
        for number, value in enumerate(found)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=PROBE_COLUMNS)


def test_the_projects_probes_are_many_and_differ(resources):
    probes = load_probes(resources / "collateral" / "probes.yaml")
    kinds = [probe.kind for probe in probes]
    assert (kinds.count("text"), kinds.count("instruction")) == (12, 16)
    assert len({probe.name for probe in probes}) == len(probes)


def test_every_payoff_is_asked_for_in_both_orders(resources):
    game = load_game(resources / "games" / "stag_hunt.yaml", "stag_hunt")
    probes = payoff_probes(load_prompt_format(resources / "prompt_formats" / "choice.yaml"), game)
    assert len({probe.name for probe in probes}) == len(probes) == 8
    assert sorted(probe.replies[0] for probe in probes[:4]) == sorted(
        f"{x:g}" for x in (game.T, game.R, game.P, game.S)
    )
    for probe in probes:
        assert len(set(probe.replies)) == len(probe.replies) == 4
        line = probe.messages[-1]["content"].removeprefix("You choose ").replace(" and the other player chooses ", " ")
        mine, theirs = line[0], line[2]
        assert f"You choose {mine}, they choose {theirs}: {probe.replies[0]} for you" in probe.messages[0]["content"]


@pytest.mark.parametrize(
    ("kind", "replies", "logarithms", "value", "right"),
    [
        ("text", ("abcd",), (-8 * math.log(2),), 2, None),
        ("instruction", ("yes",), (-8 * math.log(2),), 8, None),
        ("comprehension", FULL_REPLY, tuple(map(math.log, (0.2, 0.1, 0.1, 0.0001))), 0.2 / 0.4001, True),
        ("comprehension", FULL_REPLY, tuple(map(math.log, (0.1, 0.2, 0.1, 0.0001))), 0.1 / 0.4001, False),
        ("comprehension", FULL_REPLY, (-2000.0, -2001.0, -3000.0, -3000.0), 1 / (1 + math.exp(-1)), True),
    ],
)
def test_a_probe_is_measured_by_its_expected_reply(kind, replies, logarithms, value, right):
    row = probe_row(Probe(kind, "x", [], replies), logarithms, FIELDS)
    assert row["value"] == pytest.approx(value)
    assert row["right"] is right


def test_differences_are_paired():
    before, after = [0.2, 0.4, 0.9], [0.3, 0.7, 0.8]
    found = collateral(table(base=before, tuned=after), 0.9)
    assert found["measure"].to_list() == ["bits per byte", "bits", "probability", "share right"]
    row = found.row(0, named=True)
    low, high = ttest_rel(after, before).confidence_interval(0.9)
    assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert row["difference"] == pytest.approx(0.1)
    assert set(found["verdict"]) == {"undecided"}


def test_more_bits_are_worse_and_more_probability_is_better():
    found = collateral(table(base=[0.1, 0.2, 0.3], tuned=[0.31, 0.4, 0.51]), 0.95)
    assert found["verdict"].to_list()[:3] == ["worse", "worse", "better"]
    same = collateral(table(base=[0.1, 0.2, 0.3], tuned=[0.1, 0.2, 0.3]), 0.95)
    assert set(same["verdict"]) == {"undecided"}


def test_one_probe_has_a_difference_without_an_interval():
    found = collateral(table(base=[0.1], tuned=[0.3]), 0.95)
    assert found.select("low", "high").null_count().row(0) == (4, 4)
    assert found["difference"][0] == pytest.approx(0.2)
    assert set(found["verdict"]) == {"undecided"} and set(found["not_estimated"]) == {"there are fewer than two probes"}


def test_models_that_met_other_probes_are_refused():
    with pytest.raises(UserError, match="base and tuned were not given the same"):
        collateral(table(base=[0.1, 0.2, 0.3], tuned=[0.1, 0.2]), 0.95)


def test_a_model_is_probed_and_compared(local_model, resources, tmp_path, monkeypatch):
    files = cell_files("stag_hunt", "sports")
    for name in ("base", "tuned-seed1"):
        words = ["probe_model.py", "--model", name, "--probes", resources / "collateral" / "probes.yaml"]
        words += [
            "--games",
            "stag_hunt-x2",
            "--game-files",
            files.game_file,
            "--prompt-format-file",
            files.prompt_format_file,
        ]
        words += ["--idle-seconds", 0, *local_model.arguments(), "--output", tmp_path / f"{name}.parquet"]
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        probe_model.main()
    probes = pl.read_parquet(tmp_path / "base.parquet")
    assert probes.height == 12 + 16 + 8 and probes["value"].is_finite().all()
    target = tmp_path / "collateral.parquet"
    words = [
        "tabulate_collateral.py",
        "--probes",
        *tmp_path.glob("*.parquet"),
        "--confidence",
        0.95,
        "--output",
        target,
    ]
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    tabulate_collateral.main()
    found = pl.read_parquet(target)
    assert found["difference"].to_list() == [0] * 4
    assert target.with_suffix(".csv").is_file() and target.with_suffix(".tex").is_file()
