"""The tiny model: the same bytes for a seed, an ordinary model folder, and letters of one token."""

import subprocess
import sys

import pytest
from tiny_model import make_tiny_model

from tom.models.model_folders import check_is_model, hash_folder


def test_a_seed_gives_the_same_bytes_in_another_process(root, tiny_folder, tmp_path):
    subprocess.run([sys.executable, root / "tests" / "helpers" / "tiny_model.py", tmp_path / "again"], check=True)
    assert hash_folder(tmp_path / "again") == hash_folder(tiny_folder)


def test_another_seed_gives_other_weights_and_the_same_tokenizer(tiny_folder, tmp_path):
    one, other = hash_folder(tiny_folder), hash_folder(make_tiny_model(tmp_path / "other", seed=1))
    assert {name for name in one if one[name] != other[name]} == {"model.safetensors"}


def test_it_is_an_ordinary_model_folder(tiny_folder):
    check_is_model(tiny_folder)


@pytest.mark.parametrize("text", ["C", "D", "<|im_start|>", "<|im_end|>"])
def test_letters_and_turn_marks_are_one_token(tokenizer, text):
    assert len(tokenizer(text, add_special_tokens=False)["input_ids"]) == 1


@pytest.mark.parametrize("text", ["Which do you choose, C or D?", "naïve – 10 points\n\n", "日本"])
def test_any_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
