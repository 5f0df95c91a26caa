"""The recipe: its flags, its layers, and its agreement with the config's schema."""

import argparse
from dataclasses import MISSING, fields, replace

import pytest

from tom.config.checks import config_schema
from tom.core.flags import add_flags, from_flags
from tom.core.yaml_files import load_schema
from tom.training.recipe import TARGETS, Recipe

RECIPE = Recipe(
    target="full_reply",
    rank=4,
    alpha=8.5,
    dropout=0.1,
    target_modules="q_proj,v_proj",
    learning_rate=7e-4,
    warmup=0.05,
    epochs=3,
    gauss_newton_steps=2,
    weight_decay=0.01,
    clip=1.0,
    tokens_per_pack=512,
)


def parse(words: list[str]) -> Recipe:
    parser = argparse.ArgumentParser()
    add_flags(parser, Recipe)
    return from_flags(Recipe, parser.parse_args(words))


def flags(recipe: Recipe) -> list[str]:
    return [
        word
        for key, value in recipe.as_dict().items()
        if value is not None and value is not False
        for word in (f"--{key.replace('_', '-')}", *([] if value is True else [str(value)]))
    ]


@pytest.mark.parametrize("change", [{}, {"batch_size": 64}, {"gradient_checkpointing": True}], ids=str)
def test_flags_round_trip(change):
    recipe = replace(RECIPE, **change)
    assert parse(flags(recipe)) == recipe


@pytest.mark.parametrize("name", [field.name for field in fields(Recipe) if field.default is MISSING])
def test_no_hyperparameter_has_a_hidden_default(name, capsys):
    words = flags(RECIPE)
    at = words.index(f"--{name.replace('_', '-')}")
    with pytest.raises(SystemExit):
        parse(words[:at] + words[at + 2 :])
    assert name.replace("_", "-") in capsys.readouterr().err


def test_the_schema_has_the_recipes_hyperparameters_and_types():
    schema = load_schema("config")["properties"]["training"]["properties"]
    kinds = {"integer": int, "number": float, "string": str, "boolean": bool, "enum": str}
    kinds[("integer", "null")] = int | None
    others = {"seeds", "option_orders", "label_mapping", "label_pairs", "uniform_target_contexts", "threads"}
    others |= {"anchor_games", "anchor_contexts", "anchor_weight"}
    types = {name: entry.get("type", "enum") for name, entry in schema.items() if name not in others}
    hyperparameters = {name: kinds[tuple(kind) if isinstance(kind, list) else kind] for name, kind in types.items()}
    assert hyperparameters == {field.name: field.type for field in fields(Recipe)}


def test_the_schema_has_the_recipes_targets():
    assert config_schema()["properties"]["training"]["properties"]["target"]["enum"] == list(TARGETS)


@pytest.mark.parametrize(
    ("names", "modules"),
    [("all-linear", "all-linear"), ("q_proj", ["q_proj"]), ("q_proj,v_proj", ["q_proj", "v_proj"])],
)
def test_target_modules_are_in_pefts_form(names, modules):
    assert Recipe(**RECIPE.as_dict() | {"target_modules": names}).modules() == modules
