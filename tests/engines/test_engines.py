"""Engines: exact scores, and an answer whatever becomes of a resident engine."""

import os
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest
import torch
from engine_processes import servers
from regenerate_golden import cell_files

from tom.core.errors import UserError
from tom.engines.interface import Question, Request
from tom.engines.opening import RESIDENT_TRIES, run_at_engine, with_local_engine
from tom.engines.resident import EngineBroke, EngineLost, ResidentEngine, engine_key
from tom.engines.transformers_engine import TransformersEngine
from tom.models.language_models import load_model
from tom.prompts.chat import option_ids, prompt_ids
from tom.prompts.prompts import CHOICE, FORMS
from tom.prompts.variants import ORDERS, scored
from tom.sampling.choices import questions
from tom.sampling.procedures import CHOICES, FREE_REPLIES, Cell, SamplingSettings, make_shard, observe_cell


@pytest.fixture
def engines(engines_folder, local_model):
    """The folder of the tiny model's engines."""
    return engines_folder / f"tom-transfer-{os.getuid()}" / engine_key(local_model)


@pytest.mark.parametrize("name", ["local_model", "adapted_model"])
def test_scores_are_those_of_each_option_run_alone(request, name, tokenizer, asked):
    local = request.getfixturevalue(name)
    asked = [*asked, Question(asked[0].messages, ("Cooperate", "Defect"))]
    model = load_model(local.weights, "cpu", local.adapter)
    for question, score in zip(asked, TransformersEngine(local).score(asked), strict=True):
        prompt = prompt_ids(tokenizer, question.messages)
        for option, found in zip(
            option_ids(tokenizer, question.messages, question.options), score.log_probabilities, strict=True
        ):
            with torch.inference_mode():
                logits = model(input_ids=torch.tensor([prompt + option])).logits[0].double().log_softmax(-1)
            places = range(len(prompt) - 1, len(prompt) + len(option) - 1)
            alone = sum(logits[place, token].item() for place, token in zip(places, option, strict=True))
            assert found == pytest.approx(alone, abs=1e-5)


def test_the_option_mass_is_the_sum_of_the_options_probabilities(scores):
    for score in scores:
        mass = sum(torch.tensor(score.log_probabilities, dtype=torch.float64).exp().tolist())
        assert score.option_mass == pytest.approx(mass, rel=1e-12)


def test_questions_asked_together_are_answered_as_if_alone(local_model, asked, scores):
    engine = TransformersEngine(local_model)
    for question, together in zip(asked, scores, strict=True):
        (alone,) = engine.score([question])
        assert alone.log_probabilities == pytest.approx(together.log_probabilities, abs=1e-5)


def test_no_answer_depends_on_what_was_asked_before(local_model, asked, scores):
    engine = TransformersEngine(local_model)
    for game, context in (("snowdrift", "business"), ("stag_hunt", "business"), ("stag_hunt", "sports")):
        last = engine.score(questions(cell_files(game, context), scored(list(ORDERS))))
    assert last == scores
    engine.score(asked[::-1])
    assert engine.score(asked) == scores


def test_every_variant_has_an_answer_of_its_own(scores):
    assert len({score.log_probabilities for score in scores}) == len(scores) == 4


def test_without_idle_seconds_no_engine_is_started(engines_folder, local_model, asked, scores):
    model = replace(local_model, threads=1)
    before = servers(engines_folder)
    found = with_local_engine(model, 0, lambda engine: (type(engine), engine.score(asked)))
    assert found == (TransformersEngine, scores)
    assert servers(engines_folder) == before


def test_replies_are_sampled_in_batches_of_the_size_in_the_config(local_model, asked):
    engine, rows = TransformersEngine(replace(local_model, settings={"replies_per_batch": 3})), []
    engine.model.register_forward_hook(lambda module, inputs, output: rows.append(len(output.logits)))
    engine.reply([Request(asked[0].messages, 7, 4, 1.0, 1.0, seed=1)])
    assert set(rows) == {1, 2, 3}


@pytest.mark.parametrize("form", FORMS)
def test_a_shard_has_the_same_bytes_whatever_answered(engines, local_model, form):
    """Also where the resident engine makes the whole shard, and not its scores and replies alone."""
    files = cell_files("stag_hunt", "sports")
    cell = Cell("base", "stag_hunt", files.game_file, files.context_file, files.prompt_format_file.with_stem(form))
    settings = SamplingSettings(20, 1.0, seed=1, top_p=0.9, option_orders=ORDERS)
    procedure = CHOICES if form == CHOICE else FREE_REPLIES
    work = partial(make_shard, procedure=procedure, cell=cell, settings=settings, fields={})

    def noted(engine):
        used.append(type(engine))
        return work(engine)

    used = []
    shards = [with_local_engine(local_model, idle_seconds, noted) for idle_seconds in (60, 0)]
    shards.append(run_at_engine(local_model, 60, work))
    assert used == [ResidentEngine, TransformersEngine]
    assert shards[0] == shards[1] == shards[2]


def test_bad_input_of_work_at_an_engine_reaches_the_client(engines, local_model):
    files = cell_files("stag_hunt", "sports")
    missing = files.context_file.with_stem("none")
    cell = Cell("base", "stag_hunt", files.game_file, missing, files.prompt_format_file)
    settings = SamplingSettings(20, 1.0, seed=1, option_orders=ORDERS)
    work = partial(make_shard, procedure=CHOICES, cell=cell, settings=settings, fields={})
    for idle_seconds in (60, 0):
        with pytest.raises(UserError, match=r"none\.yaml: no such context file"):
            run_at_engine(local_model, idle_seconds, work)


def test_work_at_an_engine_reads_the_texts_of_the_clients_folder(engines_folder, local_model, tmp_path, monkeypatch):
    """In two folders with a run each, and in one that was moved and made again."""
    files = cell_files("stag_hunt", "sports")
    cell = Cell("base", "stag_hunt", files.game_file, Path("sports.yaml"), files.prompt_format_file)
    settings = SamplingSettings(20, 1.0, seed=1, option_orders=ORDERS)
    work = partial(observe_cell, procedure=CHOICES, cell=cell, settings=settings, fields={})
    prompts = []
    for number, name in enumerate(("one", "other", "one")):
        folder = tmp_path / name
        if folder.exists():
            folder.rename(tmp_path / "moved")
        folder.mkdir()
        text = files.context_file.read_text().replace("athletes", f"athletes of team {number}")
        (folder / "sports.yaml").write_text(text)
        monkeypatch.chdir(folder)
        prompts.append(run_at_engine(local_model, 60, work)[0]["prompt_sha256"])
        assert prompts[-1] == run_at_engine(local_model, 0, work)[0]["prompt_sha256"]
    assert len(set(prompts)) == 3


def test_an_engine_killed_at_work_is_replaced_and_the_work_done_again(engines, local_model, asked, scores, capsys):
    def work(engine):
        calls.append(type(engine))
        if len(calls) == 1:
            for pid in servers(engines):
                psutil.Process(pid).kill()
        return engine.score(asked)

    calls = []
    assert with_local_engine(local_model, 60, work) == scores
    assert calls == [ResidentEngine, ResidentEngine]
    assert "no resident engine: the engine went away" in capsys.readouterr().err


def test_what_breaks_two_engines_is_reported(engines_folder, local_model, capsys):
    def work(engine):
        calls.append(type(engine))
        return engine.reply([Request(None, 1, 1, 1.0, 1.0, 1)])

    calls = []
    with pytest.raises(EngineBroke, match=r"^TypeError: .*log: .*0\.log"):
        with_local_engine(local_model, 60, work)
    assert calls == [ResidentEngine] * RESIDENT_TRIES
    assert capsys.readouterr().err.count("no resident engine: TypeError: ") == RESIDENT_TRIES


def test_after_two_lost_engines_this_process_answers(engines, local_model, asked, scores):
    def work(engine):
        calls.append(type(engine))
        if isinstance(engine, ResidentEngine):
            raise EngineLost("as if it had died")
        return engine.score(asked)

    calls = []
    assert with_local_engine(local_model, 60, work) == scores
    assert calls == [ResidentEngine] * RESIDENT_TRIES + [TransformersEngine]


def test_where_no_engine_can_start_this_process_answers(
    engines_folder, local_model, asked, scores, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    model = replace(local_model, threads=5)
    found = with_local_engine(model, 60, lambda engine: (type(engine), len(engine.score(asked))))
    torch.set_num_threads(1)
    assert found == (TransformersEngine, len(scores))
    assert capsys.readouterr().err.count("no resident engine") == RESIDENT_TRIES


@pytest.mark.parametrize("idle_seconds", [0, 60])
def test_changed_weights_are_bad_input_and_no_work_is_begun(engines_folder, local_model, tmp_path, idle_seconds):
    shutil.copytree(local_model.weights, tmp_path / "weights")
    (tmp_path / "weights" / "config.json").write_text("{}")
    model = replace(local_model, weights=tmp_path / "weights", threads=6)
    with pytest.raises(UserError, match=r"config\.json: SHA-256"):
        with_local_engine(model, idle_seconds, lambda engine: pytest.fail("work was begun"))


@pytest.mark.parametrize("error", [ValueError, UserError, OSError])
def test_an_error_of_the_work_itself_is_not_tried_again(engines, local_model, error):
    def work(engine):
        calls.append(engine)
        raise error("mine")

    calls = []
    with pytest.raises(error, match="mine"):
        with_local_engine(local_model, 60, work)
    assert len(calls) == 1
