"""How well one of the tiny pair does what it was trained to do."""

from pathlib import Path

import numpy as np

from tom.asking.cells import cell_generator
from tom.asking.prompts import CHOICE_LAST
from tom.engines.choices import ChoiceScore, Question
from tom.engines.free_replies import SEEDS
from tom.engines.replies import Request
from tom.tiny_pair.made_replies import is_well_formed
from tom.tiny_pair.tiny_pair import TinyLesson


def open_tiny(folder: Path, scratch: Path):
    """An engine that runs the model of a folder in float32 on one thread; `scratch` takes the converted weights."""
    from tom.engines.transformers_engine import TransformersEngine
    from tom.weights.language_models import convert_precision
    from tom.weights.local_model import LocalModel
    from tom.weights.model_folders import write_manifest

    weights, manifest = scratch / "float32", scratch / "float32.json"
    convert_precision(folder, weights, "float32", "float32")
    write_manifest(manifest, weights, source="tiny pair")
    return TransformersEngine(LocalModel(weights, manifest, None, None, threads=1))


def exact_scores(engine, lessons: list[TinyLesson]) -> list[ChoiceScore]:
    """Exact scores of the letters as the beginning of a reply, cooperation first."""
    return [
        engine.score([Question(lesson.messages, (lesson.variant.label(True), lesson.variant.label(False)))])[0]
        for lesson in lessons
    ]


def sample_replies(engine, lesson: TinyLesson, count: int, seed: int) -> list[str]:
    """Free replies at temperature 1, special tokens left out; each lesson has its own stream of random numbers."""
    stream = cell_generator(seed, lesson.form, lesson.game, lesson.context, lesson.variant.order)
    request = Request(lesson.messages, count, lesson.max_tokens, 1.0, 1.0, int(stream.integers(SEEDS)))
    return [reply.text for reply in engine.reply([request])[0]]


def describe_scores(lessons: list[TinyLesson], scores: list[ChoiceScore]) -> dict[str, float]:
    """Taught against exact rates of cooperation, the mean rate of the first-listed option, and option mass."""
    taught = np.array([lesson.rate for lesson in lessons])
    found = np.array([score.probability(0, 1.0) for score in scores])
    first = np.where([lesson.variant.actions()[0] for lesson in lessons], found, 1 - found)
    return {
        "prompts": len(lessons),
        "mean_absolute_error": float(np.abs(found - taught).mean()),
        "correlation": float(np.corrcoef(found, taught)[0, 1]),
        "first_listed": float(first.mean()),
        "option_mass": float(np.mean([score.option_mass for score in scores])),
    }


def describe_replies(lessons: list[TinyLesson], replies: list[list[str]]) -> dict[str, float]:
    """The share of well-formed replies, and the taught against the sampled rates of cooperation among them."""
    errors, well_formed = [], []
    for lesson, texts in zip(lessons, replies, strict=True):
        kept = [text for text in texts if is_well_formed(lesson.form, text)]
        letter = -1 if lesson.form == CHOICE_LAST else 0
        cooperated = [text[letter] == lesson.variant.label(True) for text in kept]
        errors += [abs(np.mean(cooperated) - lesson.rate)] if kept else []
        well_formed.append(len(kept) / len(texts))
    return {
        "prompts": len(lessons),
        "replies": sum(map(len, replies)),
        "well_formed": float(np.mean(well_formed)),
        "mean_absolute_error": float(np.mean(errors)) if errors else float("nan"),
    }
