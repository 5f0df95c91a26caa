"""The examples that the shipped tiny pair was trained on, and its cells in sample."""

from itertools import product
from pathlib import Path

import yaml
from tiny_lessons import TinyLesson, TinyTexts, by_stem, tiny_lessons

from tom.sampling.recorded import read_counts

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
COUNTS = RESOURCES / "paper" / "observed_choices.csv"
SEED = 1


def shipped_folder(role: str) -> Path:
    """The shipped model folder of a role."""
    return RESOURCES / "tiny_pair" / role


def shipped_lessons(role: str, seed: int = SEED) -> list[TinyLesson]:
    """A role's examples, made from the project's own texts and counts."""
    games, contexts = (by_stem(sorted((RESOURCES / kind).glob("*.yaml"))) for kind in ("games", "contexts"))
    names = ("choice", "choice_then_motivation", "motivation_then_choice")
    prompt_formats = [RESOURCES / "prompt_formats" / f"{name}.yaml" for name in names]
    return tiny_lessons(role, read_counts(COUNTS, "teacher"), TinyTexts(games, contexts, prompt_formats), seed)


def in_sample(examples: list[TinyLesson], form: str) -> list[TinyLesson]:
    """The examples of one form in the cells that the default experiment teaches."""
    split = yaml.safe_load((RESOURCES.parent / "config" / "config.yaml").read_text())["splits"]["in_sample"]
    cells = set(product(split["games"], split["contexts"]))
    return [example for example in examples if example.form == form and (example.game, example.context) in cells]
