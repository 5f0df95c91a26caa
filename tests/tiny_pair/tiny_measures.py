"""How well one of the tiny pair does what it was trained to do."""

from pathlib import Path

import numpy as np
from made_replies import is_well_formed
from tiny_lessons import TinyLesson

from tom.core.random import cell_generator
from tom.engines.interface import ChoiceScore, Question, Request
from tom.prompts.prompts import CHOICE_LAST
from tom.sampling.free_replies import SEEDS


def open_tiny(folder: Path, scratch: Path):
    """An engine that runs the model of a folder in float32 on one thread; `scratch` takes the converted weights."""
    from tom.engines.local_model import LocalModel
    from tom.engines.transformers_engine import TransformersEngine
    from tom.models.language_models import convert_precision
    from tom.models.model_folders import write_manifest

    weights, manifest = scratch / "float32", scratch / "float32.json"
    convert_precision(folder, weights, "float32", "float32")
    write_manifest(manifest, weights, source="tiny pair")
    return TransformersEngine(LocalModel(weights, manifest, None, None, threads=1))


def exact_scores(engine, examples: list[TinyLesson]) -> list[ChoiceScore]:
    """Exact scores of the letters as the beginning of a reply, cooperation first."""
    return [
        engine.score([Question(example.messages, (example.variant.label(True), example.variant.label(False)))])[0]
        for example in examples
    ]


def sample_replies(engine, example: TinyLesson, count: int, seed: int) -> list[str]:
    """Free replies at temperature 1, special tokens left out; each example has its own stream of random numbers."""
    stream = cell_generator(seed, example.form, example.game, example.context, example.variant.order)
    request = Request(example.messages, count, example.max_tokens, 1.0, 1.0, int(stream.integers(SEEDS)))
    return [reply.text for reply in engine.reply([request])[0]]


def describe_scores(examples: list[TinyLesson], scores: list[ChoiceScore]) -> dict[str, float]:
    """WeightedReply against exact rates of cooperation, the mean rate of the first-listed option, and option mass."""
    taught = np.array([example.rate for example in examples])
    found = np.array([score.probability(0, 1.0) for score in scores])
    first = np.where([example.variant.actions()[0] for example in examples], found, 1 - found)
    return {
        "prompts": len(examples),
        "mean_absolute_error": float(np.abs(found - taught).mean()),
        "correlation": float(np.corrcoef(found, taught)[0, 1]),
        "first_listed": float(first.mean()),
        "option_mass": float(np.mean([score.option_mass for score in scores])),
    }


def describe_replies(examples: list[TinyLesson], replies: list[list[str]]) -> dict[str, float]:
    """The share of well-formed replies, and the taught against the sampled rates of cooperation among them."""
    errors, well_formed = [], []
    for example, texts in zip(examples, replies, strict=True):
        kept = [text for text in texts if is_well_formed(example.form, text)]
        letter = -1 if example.form == CHOICE_LAST else 0
        cooperated = [text[letter] == example.variant.label(True) for text in kept]
        errors += [abs(np.mean(cooperated) - example.rate)] if kept else []
        well_formed.append(len(kept) / len(texts))
    return {
        "prompts": len(examples),
        "replies": sum(map(len, replies)),
        "well_formed": float(np.mean(well_formed)),
        "mean_absolute_error": float(np.mean(errors)) if errors else float("nan"),
    }
