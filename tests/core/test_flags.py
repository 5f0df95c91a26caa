"""Dataclasses as flags: what is written is read again, and what is missing is refused."""

from argparse import ArgumentParser
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tom.core.flags import add_flags, flags_of, from_flags


@dataclass(frozen=True)
class Settings:
    file: Path
    number: int = field(metadata={"help": "how many", "choices": (1, 2)})
    model_name: str = field(metadata={"flag": "endpoint_model"})
    share: float = 0.5
    price: float | None = None
    eager: bool = False
    orders: tuple[str, ...] = ()


def parse(words: list[str]) -> Settings:
    parser = ArgumentParser()
    add_flags(parser, Settings)
    return from_flags(Settings, parser.parse_args(words))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(Path("a b"), 1, "x"),
        Settings(Path("-a"), 2, "--x", 0.1, 3.0, True, ("one", "other")),
        Settings(Path("a"), 2, "", orders=("one",)),
    ],
)
def test_flags_name_the_same_settings(settings):
    assert parse(flags_of(settings)) == settings


def test_defaults_need_no_flags():
    assert flags_of(Settings(Path("a"), 1, "x")) == ["--file=a", "--number=1", "--endpoint-model=x"]


@pytest.mark.parametrize(
    "words",
    [
        ["--number=1", "--endpoint-model=x"],
        ["--file=a", "--number=3", "--endpoint-model=x"],
        ["--file=a", "--number=x", "--endpoint-model=x"],
        ["--file=a", "--number=1", "--model-name=x"],
    ],
)
def test_what_is_missing_or_wrong_ends_the_script(words, capsys):
    with pytest.raises(SystemExit):
        parse(words)
    assert "error: " in capsys.readouterr().err
