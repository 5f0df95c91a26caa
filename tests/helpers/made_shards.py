"""Shards made up for tests: students with known propensities, and the paper's own counts as shards."""

from itertools import cycle, product
from pathlib import Path

import polars as pl

from tom.evaluation.label_bias import SCORE_COLUMNS
from tom.prompts.variants import ORDERS, asked, scored
from tom.sampling.recorded import read_counts, replay
from tom.sampling.shards import COLUMNS, write_shard

GAMES = ("prisoners_dilemma", "stag_hunt")
CONTEXTS = ("business", "friendship")


def shard_frame(rows: list[dict]) -> pl.DataFrame:
    """Rows as `read_shard` would give them."""
    return pl.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], schema=COLUMNS)


def counted_rows(
    model: str, game: str, context: str, counts: dict[str, tuple[int, int, int]], unreadable=("off_format",)
) -> list[dict]:
    """Observation rows; counts: order → (cooperated, defected, invalid). unreadable: outcomes, dealt out in turn."""
    why = cycle(unreadable)
    actions = [
        (order, action)
        for order, numbers in counts.items()
        for action, number in zip(("cooperate", "defect", None), numbers, strict=True)
        for _ in range(number)
    ]
    fields = {"record": "observation", "model": model, "game": game, "context": context, "cooperation_label": "C"}
    return [
        fields | {"observation": number, "order": order, "action": action, "outcome": "read" if action else next(why)}
        for number, (order, action) in enumerate(actions)
    ]


def reasoned_rows(
    model: str, game: str, context: str, letters: list[str | None], form: str = "choice_then_motivation"
) -> list[dict]:
    """Observation rows with texts, a letter each (None: unreadable); every motivation says which cell it is of."""
    rows = []
    for number, letter in enumerate(letters):
        motivation = f"reason {number} of {game} in {context}."
        raw = (
            f"{letter}. For {motivation}" if form == "choice_then_motivation" else f"For {motivation}\nChoice: {letter}"
        )
        action = {"C": "cooperate", "D": "defect", None: None}[letter]
        rows.append(
            {"record": "observation", "model": model, "game": game, "context": context, "prompt_format": form}
            | {"order": ORDERS[number % 2], "cooperation_label": "C", "observation": number, "action": action}
            | {"outcome": "read" if action else "off_format", "raw": raw, "finish": "stop"}
        )
    return rows


def scored_rows(model: str, game: str, context: str, p: dict[tuple[str, str], float], option_mass=0.9) -> list[dict]:
    """Score rows; p: (order, cooperation label) → propensity to cooperate."""
    fields = {"record": "score", "model": model, "game": game, "context": context, "option_mass": option_mass}
    return [
        fields | {"order": order, "cooperation_label": label, "p_cooperate": value}
        for (order, label), value in p.items()
    ]


def student_rows(model: str, game: str, context: str, p: float, bias: float = 0.0, orders=ORDERS) -> list[dict]:
    """A student of propensity p ± bias in the two orders that follows the game, observed 150 times in each."""
    propensities = {
        (variant.order, variant.cooperation_label): p + (bias if variant.order == ORDERS[0] else -bias)
        for variant in scored(list(orders))
    }
    cooperated = {v.order: round(150 * propensities[v.order, "C"]) for v in asked(list(orders))}
    counts = {order: (number, 150 - number, 0) for order, number in cooperated.items()}
    return scored_rows(model, game, context, propensities) + counted_rows(model, game, context, counts)


def label_scores(models: dict[str, float], labels: str = "first_letters", names=("A", "B"), bias=0.0) -> pl.DataFrame:
    """Scores of the cells of `small_run` under other names; models: → propensity, ± bias in the two orders."""
    rows = [
        {"model": model, "labels": labels, "game": game, "context": context, "order": variant.order, "option_mass": 0.5}
        | {"cooperation_label": variant.cooperation_label, "exchanged": variant.cooperation_label != names[0]}
        | {"p_cooperate": p + (bias if variant.order == ORDERS[0] else -bias)}
        for model, p in models.items()
        for game, context, variant in product(GAMES, CONTEXTS, scored(list(ORDERS), names))
    ]
    return pl.DataFrame([{name: row.get(name) for name in SCORE_COLUMNS} for row in rows], schema=SCORE_COLUMNS)


def write_models(folder: Path, cells: dict[str, dict[tuple[str, str], list[dict]]]) -> list[Path]:
    """One shard for each model and (game, context); returns the files."""
    files = []
    for model, by_cell in cells.items():
        for (game, context), rows in by_cell.items():
            files.append(folder / f"{model}_{game}_{context}.parquet")
            write_shard(files[-1], rows)
    return files


def small_run(base_bias: float = 0.1) -> dict[str, dict[tuple[str, str], list[dict]]]:
    """Four cells: a teacher that differs by context, a base of .8, and two students most of the way to the teacher."""
    models = {}
    for model, p in {"base": 0.8, "tuned-seed1": 0.0, "tuned-seed2": 0.1}.items():
        models[model] = {}
        for game in GAMES:
            for context, target in zip(CONTEXTS, (0.2, 0.6), strict=True):
                propensity, bias = (p, base_bias) if model == "base" else (target + p, 0.02)
                models[model][game, context] = student_rows(model, game, context, propensity, bias)
    fields = {"model": "teacher"}
    models["teacher"] = {
        (game, context): replay((round(300 * target), 300), fields | {"game": game, "context": context})
        for game in GAMES
        for context, target in zip(CONTEXTS, (0.2, 0.6), strict=True)
    }
    return models


def live_run(bias: float = 0.15) -> dict[str, dict[tuple[str, str], list[dict]]]:
    """`small_run` with a teacher that was asked in both orders, whose exact propensities are known: ± bias."""
    models = small_run()
    for (game, context), target in zip(models["teacher"], (0.2, 0.6) * 2, strict=True):
        models["teacher"][game, context] = student_rows("teacher", game, context, target, bias)
    return models


def published_frame(table: Path, contexts: tuple[str, ...], doubled: bool = False) -> pl.DataFrame:
    """The paper's teacher, base and tuned student (as tuned-seed1) of some contexts as shards, in its one order."""
    rows = []
    for name, model in {"teacher": "teacher", "base": "base", "tuned": "tuned-seed1"}.items():
        for (game, context), counts in read_counts(table, name).items():
            if context in contexts and game.endswith("-x2") == doubled:
                rows += replay(counts, {"model": model, "game": game, "context": context})
    return shard_frame(rows)
