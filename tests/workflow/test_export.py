"""snakemake export: a folder to take away, whose card has been tried, and which no other weights run."""

import hashlib
import json
import re
import subprocess
import sys

import polars as pl
import pytest
import torch
import yaml
from project import REPOSITORY, Project, environment
from safetensors.torch import load_file

from tom.core.errors import UserError
from tom.export.base_weights import load_student
from tom.models.language_models import load_model, load_tokenizer
from tom.models.sources import convert_gguf
from tom.prompts.chat import prompt_ids

EXPORT = "results/main/export/seed1"


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory) -> Project:
    project = finished.copy(tmp_path_factory.mktemp("export") / "project")
    project.succeed("export")
    return project


def run_snippet(project: Project, page: str) -> subprocess.CompletedProcess:
    """Run the first Python of a page in the project's folder."""
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL).group(1)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=project.folder, env=environment(), capture_output=True, text=True
    )


def choice_probability(model, folder, label: str) -> float:
    """Of a label after the exported prompt, among C and D."""
    tokenizer = load_tokenizer(folder / "merged")
    ids = torch.tensor([prompt_ids(tokenizer, json.loads((folder / "prompt.json").read_text()))])
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0, -1]
    letters = torch.tensor([tokenizer.encode(letter)[0] for letter in "CD"])
    return logits[letters].softmax(0)["CD".index(label)].item()


@pytest.mark.slow
def test_the_adapter_answers_with_the_probability_of_the_run(exported):
    folder = exported.folder / EXPORT
    shard = pl.read_parquet(exported.folder / exported.shard("tuned-seed1", "prisoners_dilemma", "business"))
    score = shard.filter(record="score", order="cooperation_first", cooperation_label="C").row(0, named=True)
    student = load_student(exported.folder / exported.store().model_folder("student") / "weights", folder / "adapter")
    assert choice_probability(student, folder, "C") == pytest.approx(score["p_cooperate"], abs=1e-6)
    merged = choice_probability(load_model(folder / "merged", "cpu"), folder, "C")
    assert merged == pytest.approx(score["p_cooperate"], abs=1e-3)


def test_other_weights_are_refused(exported):
    store = exported.store()
    with pytest.raises(UserError, match="belongs to tiny at nf4-float32"):
        load_student(
            exported.folder / store.model_folder("student").with_name("fetched") / "weights",
            exported.folder / EXPORT / "adapter",
        )


def test_the_stored_adapter_is_untouched_and_the_exported_one_has_its_weights(exported, finished):
    stored = [project.folder / exported.adapter() / "adapter" for project in (exported, finished)]
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (stored[0] / name).read_bytes() == (stored[1] / name).read_bytes()
    name = "adapter_model.safetensors"
    assert (exported.folder / EXPORT / "adapter" / name).read_bytes() == (stored[0] / name).read_bytes()


def test_the_gguf_holds_the_merged_weights(exported, tmp_path):
    convert_gguf(exported.folder / EXPORT / "model.gguf", tmp_path)
    merged, back = (
        load_file(folder / "model.safetensors") for folder in (exported.folder / EXPORT / "merged", tmp_path)
    )
    assert merged.keys() == back.keys() and all(torch.equal(merged[name], back[name]) for name in merged)


@pytest.mark.slow
def test_the_cards_snippet_answers_and_refuses_other_weights(exported):
    card = (exported.folder / EXPORT / "README.md").read_text()
    done = run_snippet(exported, card)
    assert done.returncode == 0 and done.stdout.strip(), done.stderr
    weights = str(exported.store().model_folder("student"))
    refused = run_snippet(exported, card.replace(weights, weights.replace("nf4-float32", "fetched")))
    assert refused.returncode != 0 and "not the weights that this adapter belongs to" in refused.stderr


def test_the_documented_snippet_is_that_of_the_card(exported):
    page = (REPOSITORY / "docs/adapter.md").read_text()
    default = re.search(r'base, export = "(.*?)/weights"', page).group(1)
    own = page.replace(default, str(exported.store().model_folder("student")))
    assert run_snippet(exported, own).returncode == 0


def test_the_card_says_what_was_trained_and_what_it_scored(exported):
    card = (exported.folder / EXPORT / "README.md").read_text()
    metadata = yaml.safe_load(card.split("---")[1])
    assert metadata["library_name"] == "peft"
    base = json.loads((exported.folder / EXPORT / "adapter/base.json").read_text())
    assert base["weights_sha256"] in card and "| precision | nf4-float32 |" in card
    assert "| `rank` | 4 |" in card and "| contexts | business, friendship |" in card
    for split in ("in_sample", "out_of_sample_contexts", "doubled_payoffs"):
        table = pl.read_parquet(exported.experiment / f"tables/{split}/alignment.parquet")
        own = table.filter(view="both", measure="exact", predictor="tuned-seed1").row(0, named=True)
        shares = [round(100 * own[name]) for name in ("gap_closed", "low", "high")]
        assert "{} ({} to {})".format(*shares) in card


def test_an_export_is_made_once(exported):
    assert not exported.plan("export")


def test_a_data_set_holds_every_shard_and_says_what_each_column_is(exported):
    exported.succeed("dataset")
    folder = exported.experiment / "dataset"
    choices, numbers = (pl.read_parquet(folder / f"{name}.parquet") for name in ("choices", "numbers"))
    for split, cells in (("in_sample", 4), ("out_of_sample_contexts", 2), ("doubled_payoffs", 2)):
        drawn = choices.filter(split=split, model="tuned-seed1", record="observation")
        assert drawn.height == 40 * cells
    for model in ("teacher", "base", "tuned-seed1"):
        shard = pl.read_parquet(exported.folder / exported.shard(model, "stag_hunt", "business"))
        own = choices.filter(model=model, game="stag_hunt", context="business").drop("split")
        assert own.equals(shard)
    assert numbers.filter(model="teacher", record="observation")["number"].to_list() == [7] * 300

    metadata = json.loads((folder / "croissant.json").read_text())
    for file, records, table in zip(metadata["distribution"], metadata["recordSet"], (choices, numbers), strict=True):
        assert file["sha256"] == hashlib.sha256((folder / file["contentUrl"]).read_bytes()).hexdigest()
        assert [field["source"]["extract"]["column"] for field in records["field"]] == table.columns
        assert all(field["description"] for field in records["field"])
    card = (folder / "README.md").read_text()
    assert [config["data_files"] for config in yaml.safe_load(card.split("---")[1])["configs"]] == [
        *["choices.parquet", "numbers.parquet"]
    ]
    assert all(f"| `{column}` |" in card for column in {*choices.columns, *numbers.columns})
    assert not exported.plan("dataset")
