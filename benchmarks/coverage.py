"""Coverage of the intervals and size of the tests, simulated at their nominal 95 and 5 %.

python benchmarks/coverage.py [--runs 1000]

Prints a line for each: the case, and the share of simulated experiments that hold the truth or reject a true null.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from scipy.special import expit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

from tom.evaluation.improvement import improvement_set
from tom.evaluation.joint_choice_model import compare_choices
from tom.evaluation.sensitivities import Layout, marginal_effects, slope, slopes_on_teacher
from tom.statistics.clusters import mean_of_clusters, ratio_of_clusters
from tom.statistics.equivalence import equivalence_p_value, known_equivalence_p_value
from tom.statistics.intervals import jeffreys, symmetric, wilson
from tom.statistics.resampling import Counted, Uncertainty
from tom.statistics.two_proportions import equal_counts_p_value, holm, newcombe, score_p_value

SIZE = 300
GENERATOR = np.random.default_rng(1)
PRECISION = Uncertainty(200, 0.95, 1, 0.1)


def say(what: str, hits) -> None:
    """Print one line."""
    print(f"{what}: {100 * np.mean(hits):.1f} %", flush=True)


def share_of(runs: int, share: float) -> int:
    """How many experiments of a case are simulated where each takes long."""
    return max(1, round(share * runs))


def drawn(p: np.ndarray) -> Counted:
    """Counts of SIZE replies a cell."""
    return Counted(GENERATOR.binomial(SIZE, p)[:, None], np.full((len(p), 1), SIZE))


def pairs(p: float, q: float, runs: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Simulated pairs of counts."""
    return [((int(x), SIZE), (int(y), SIZE)) for x, y in GENERATOR.binomial(SIZE, [p, q], (runs, 2))]


def of_proportions(runs: int) -> None:
    """Intervals and tests of one and two proportions."""
    for p in (0.005, 0.1, 0.5):
        counts = GENERATOR.binomial(SIZE, p, 20 * runs)
        for name, interval in (("Jeffreys", jeffreys), ("Wilson", wilson)):
            low, high = interval(counts, np.full_like(counts, SIZE), 0.95)
            say(f"coverage, {name}, p {p}", (low <= p) & (p <= high))
    for p, q in ((0.5, 0.5), (0.3, 0.6), (0.01, 0.02)):
        intervals = [newcombe(*pair, 0.95) for pair in pairs(p, q, runs)]
        say(f"coverage, Newcombe, {p} and {q}", [low <= p - q <= high for low, high in intervals])
    for p in (0.5, 0.1, 0.005):
        say(f"size, z-test, p {p}", [equal_counts_p_value(*pair) < 0.05 for pair in pairs(p, p, runs)])
    for p, q in ((0.6, 0.5), (0.1, 0.0)):
        tests = [score_p_value(*pair, 0.1, "smaller") < 0.05 for pair in pairs(p, q, runs)]
        say(f"size, one-sided score test at a difference of .1, {p} and {q}", tests)
        tests = [equivalence_p_value(*pair, 0.1) < 0.05 for pair in pairs(p, q, runs)]
        say(f"size, equivalence within .1, {p} and {q}", tests)
    known = [known_equivalence_p_value((int(x), SIZE), 0.5, 0.1) < 0.05 for x in GENERATOR.binomial(SIZE, 0.6, runs)]
    say("size, equivalence within .1 of an exact .5, p .6", known)
    families = [holm([equal_counts_p_value(*pair) for pair in pairs(0.5, 0.5, 20)]) for _ in range(share_of(runs, 0.2))]
    say("any false rejection, Holm, 20 z-tests, p .5", [family.min() < 0.05 for family in families])


def of_ratios(runs: int) -> None:
    """Fieller's sets of improvement, for one cell and for the ratio of sums."""
    for teacher in (0.3, 0.7, 0.78):
        cells = [(drawn(np.array([p]))) for _ in range(runs) for p in (0.8, 0.7, teacher)]
        truth = 100 * (0.7 - 0.8) / (teacher - 0.8)
        sets = [improvement_set(*cells[3 * run : 3 * run + 3], np.array([True]), 0.95) for run in range(runs)]
        say(f"coverage, Fieller, one cell, base .8, tuned .7, teacher {teacher}", [one.contains(truth) for one in sets])
        say(f"  of them bounded, teacher {teacher}", [one.kind == "interval" for one in sets])


def of_contexts(runs: int) -> None:
    """Student's t and Fieller over few contexts, normal and skewed."""
    for contexts in (3, 5):
        for name, draw in (
            ("normal", GENERATOR.standard_normal),
            ("skewed", lambda n: GENERATOR.exponential(size=n) - 1),
        ):
            found = [mean_of_clusters(0.1 + 0.1 * draw(contexts), 0.95) for _ in range(4 * runs)]
            say(f"coverage, t over {contexts} {name} contexts", [one.low <= 0.1 <= one.high for one in found])
        base = [0.4 + 0.1 * GENERATOR.standard_normal(contexts) for _ in range(runs)]
        lead = [0.5 * gaps + 0.02 * GENERATOR.standard_normal(contexts) for gaps in base]
        sets = [ratio_of_clusters(top, bottom, 0.95) for top, bottom in zip(lead, base, strict=True)]
        say(f"coverage, Fieller over {contexts} contexts", [one.contains(0.5) for one in sets])


def of_sensitivities(runs: int) -> None:
    """Effects and slopes in a layout of 4 games and 5 contexts."""
    layout = Layout(list("abcd"), list("vwxyz"))
    game, context = np.array([-0.03, -0.01, 0.01, 0.03]), np.array([-0.2, -0.1, -0.05, 0.15, 0.2])
    teacher = (0.5 + game[:, None] + context).ravel()
    lapses = [0.0, 0.05]
    for lapse in lapses:
        hits = []
        for _ in range(share_of(runs, 0.2)):
            p = teacher + lapse * GENERATOR.standard_normal(20)
            rows = marginal_effects(layout, drawn(np.clip(p, 0, 1)), 0.95)
            hits += [row["low"] <= truth <= row["high"] for row, truth in zip(rows, [*game, *context], strict=True)]
        say(f"coverage, marginal effects, cells off by {lapse}", hits)
    times = share_of(runs, 0.3)
    for share in (0.0, 0.5, 1.0):
        student = 0.6 + share * (teacher - 0.5)
        effects = [layout.effects(rates) for rates in (teacher, student)]
        hits = {"game": [], "context": []}
        for _ in range(times):
            counts = drawn(teacher), drawn(student)
            draws = tuple(one.redrawn(PRECISION.draws, GENERATOR) for one in counts)
            for row in slopes_on_teacher(layout, counts, draws, PRECISION):
                if row["factor"] in hits and np.isfinite(row["estimate"]):
                    truth = float(slope(effects[0][row["factor"]], effects[1][row["factor"]], 0.0))
                    hits[row["factor"]].append(row["low"] - 1e-9 <= truth <= row["high"] + 1e-9)
        for factor, held in hits.items():
            say(
                f"coverage, slope on the teacher, {share} of its {factor} effects ({len(held)} of {times} defined)",
                held,
            )


def of_joint_model(runs: int) -> None:
    """Terms of the joint model in 4 games and 5 contexts: a student of the teacher's sensitivities and of another mean.

    Every cell has an interaction of its own that both share; `cells off` is one that the student has alone.
    """
    layout = Layout(list("abcd"), list("vwxyz"))
    game, context = np.array([-0.3, -0.1, 0.1, 0.3]), np.array([-0.9, -0.4, -0.2, 0.6, 0.9])
    sensitivity = (game[:, None] + context).ravel()
    cases = {
        "cells near .5": (0.0, 0.0),
        "teacher near 0": (-4.0, 0.0),
        "cells off by .3": (0.0, 0.3),
        "teacher near 0, cells off by .3": (-4.0, 0.3),
    }
    for name, (level, lapse) in cases.items():
        found = {"model:game": [], "model:context": []}
        family, held = [], []
        for _ in range(runs):
            odds = level + sensitivity + 0.5 * GENERATOR.standard_normal(20)
            pair = expit(odds), expit(odds + 0.4 + lapse * GENERATOR.standard_normal(20))
            rows = {row["term"]: row for row in compare_choices(layout, *map(drawn, pair), 0.95)}
            for term, rejected in found.items():
                rejected.append(rows[term]["p_value"] < 0.05)
            family.append(min(rows[term]["p_holm"] for term in found) < 0.05)
            held.append(rows["model"]["low"] <= (pair[1] - pair[0]).mean() <= rows["model"]["high"])
        for term, rejected in found.items():
            say(f"size, joint model, {term}, {name}", rejected)
        say(f"any false rejection of the two, Holm, {name}", family)
        say(f"coverage, joint model, mean difference over these cells, {name}", held)


def of_mean_improvement(runs: int) -> None:
    """The bootstrap of the mean improvement, where one cell has next to no gap."""
    base, tuned, teacher = (np.array(p) for p in ([0.8] * 5, [0.7] * 5, [0.3, 0.4, 0.5, 0.6, 0.77]))
    truth, held = float(np.mean((tuned - base) / (teacher - base))), []
    for _ in range(share_of(runs, 0.3)):
        counts = [drawn(p) for p in (base, tuned, teacher)]
        b, u, t = (one.redrawn(500, GENERATOR) for one in counts)
        estimate = [one.rates() for one in counts]
        with np.errstate(divide="ignore", invalid="ignore"):
            draws = ((u - b) / (t - b)).mean(axis=1)
            centre = float(((estimate[1] - estimate[0]) / (estimate[2] - estimate[0])).mean())
        low, high = symmetric(centre, draws, 0.95)
        held.append(low <= truth <= high)
    say("coverage, bootstrap of the mean improvement, one cell of gap .03", held)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000, help="experiments simulated of each case, or shares of them")
    runs = parser.parse_args().runs
    for part in (of_proportions, of_ratios, of_contexts, of_sensitivities, of_joint_model, of_mean_improvement):
        part(runs)


if __name__ == "__main__":
    main()
