"""How models are asked, as a config says it."""

from pathlib import Path

import pytest
import yaml

from tom.config.store import Store

CONFIG = yaml.safe_load((Path(__file__).parents[2] / "config" / "config.yaml").read_text())
LOCAL = {"name": "Teacher", "engine": "transformers", "source": "folder", "folder": "models/teacher"}


@pytest.mark.parametrize(
    ("said", "prompt_format", "model", "procedure"),
    [
        ("full", "choice_then_motivation", "base", "free_replies"),
        ("choice", "choice_then_motivation", "base", "choices"),
        ("choice", "choice_then_motivation", "tuned-seed1", "choices"),
        ("choice", "choice_then_motivation", "teacher", "free_replies"),
        ("choice", "motivation_then_choice", "base", "free_replies"),
        ("full", "choice", "base", "choices"),
    ],
)
def test_students_may_say_the_choice_alone_if_it_comes_first(root, said, prompt_format, model, procedure):
    config = CONFIG | {"teacher": LOCAL, "prompt_format": prompt_format}
    config["sampling"] = CONFIG["sampling"] | {"student_replies": said}
    store = Store(config, root / "resources")
    assert store.askings[store.asking(model, "stag_hunt")].procedure == procedure
