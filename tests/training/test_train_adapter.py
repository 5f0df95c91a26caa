"""The training script: the examples that it reads and the files that it writes."""

import argparse
import csv
import json
import shutil
import sys
from dataclasses import replace

import pytest
from gather_shards import gather
from made_shards import counted_rows, reasoned_rows
from regenerate_golden import cell_files
from train_adapter import main, make_portable, prompts_left_out, read_examples, write_curve

from tom.core.errors import UserError
from tom.models.model_folders import hash_folder, read_manifest, verify, write_manifest
from tom.prompts.variants import LABELS, ORDERS
from tom.sampling.recorded import replay
from tom.sampling.shards import write_shard
from tom.training import gauss_newton, trainer
from tom.training.examples import WeightedReply
from tom.training.folds import Fold


def gathered(folder, shards):
    """One file with the rows of these shards."""
    gather(shards).write_parquet(folder / "gathered.parquet")
    return folder / "gathered.parquet"


def arguments(
    *shards, held_out=None, prompt_format="choice", teacher="as_is", number=None, games=None, uniform_target_contexts=()
) -> argparse.Namespace:
    cells = [cell_files("stag_hunt", "sports"), cell_files("snowdrift", "business")]
    return argparse.Namespace(
        replies=gathered(shards[0].parent, shards),
        game_files=[cell.game_file for cell in cells],
        context_files=[cell.context_file for cell in cells],
        uniform_target_files=[cells[0].context_file.with_stem(context) for context in uniform_target_contexts],
        prompt_format_file=cells[0].prompt_format_file.with_stem(prompt_format),
        option_orders=list(ORDERS),
        label_mapping="original",
        held_out=held_out,
        teacher=teacher,
        observations_per_cell=number,
        taught_games=games,
        label_pairs=[LABELS],
        seed=1,
    )


@pytest.fixture
def train(local_model, tmp_path, monkeypatch):
    """Run the script on two cells of a stag hunt, with some flags added; returns the folder it wrote."""

    def run(name, *flags, model=local_model, observe=lambda fields: replay((3, 4), fields)):
        folder = tmp_path / name
        cells = [cell_files("stag_hunt", context) for context in ("sports", "business")]
        shards = []
        for cell in cells:
            shards.append(folder / f"{cell.context_file.stem}.parquet")
            write_shard(shards[-1], observe({"game": cell.game, "context": cell.context_file.stem}))
        recipe = "--rank 2 --alpha 4 --dropout 0 --target-modules all-linear --learning-rate 0.01 --warmup 0"
        words = [
            *["train_adapter.py", "--replies", gathered(folder, shards), "--game-files", cells[0].game_file],
            *["--context-files", *[cell.context_file for cell in cells]],
            *["--prompt-format-file", cells[0].prompt_format_file, "--option-orders", *ORDERS],
            *["--label-mapping", "original", "--seed", 1],
            *["--checkpoints", folder / "checkpoints", "--output", folder / "adapter"],
            *["--output-manifest", folder / "adapter.json", "--curve", folder / "curve.csv"],
            *["--output-loss-report", folder / "loss_report.json", *recipe.split()],
            *["--epochs", 2, "--gauss-newton-steps", 0],
            *["--weight-decay", 0, "--clip", 1, "--target", "label", "--tokens-per-pack", 2048],
            *[*model.arguments(), *flags],
        ]
        monkeypatch.setattr(sys, "argv", list(map(str, words)))
        main()
        return folder

    return run


class Killed(BaseException):
    """Stands in for a signal that cannot be caught."""


def many_replies(fields) -> list[dict]:
    """Enough observations that Gauss-Newton steps do not stop at the sampling noise."""
    return replay((3000, 4000), fields)


def validation_losses(folder) -> list[str]:
    with (folder / "curve.csv").open() as stream:
        return [row["validation_loss"] for row in csv.DictReader(stream)]


def test_the_script_writes_an_adapter_and_removes_its_checkpoints(train, local_model):
    folder = train("run")
    manifest = read_manifest(folder / "adapter.json")
    verify(folder / "adapter", manifest)
    assert {"adapter_config.json", "adapter_model.safetensors"} <= set(manifest["files"])
    assert manifest["source"] == local_model.sha256
    assert not any((folder / "checkpoints").rglob("*.pt"))
    assert validation_losses(folder) == [""] * 4  # two orders in two epochs
    assert json.loads((folder / "loss_report.json").read_text())["observations"] == 2 * 2 * 4


def test_a_batch_size_is_in_replies_of_all_cells(train, capsys):
    folder = train("run", "--batch-size", 8)
    with (folder / "curve.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    # 4 replies to each of two contexts, in each of two orders.
    assert [row["epoch"] for row in rows] == ["1", "1", "2", "2"]
    assert "4 prompts with 16 replies" in capsys.readouterr().err


def test_the_outputs_depend_on_the_training_alone(train, local_model, tmp_path):
    shutil.copytree(local_model.weights, tmp_path / "moved")
    one, other = train("one"), train("other", model=replace(local_model, weights=tmp_path / "moved"))
    assert hash_folder(one / "adapter") == hash_folder(other / "adapter")
    for name in ("adapter.json", "curve.csv", "loss_report.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes()


@pytest.mark.parametrize("target", ["full_reply", "shuffled_motivation"])
def test_motivations_are_learnt_in_packs(train, resources, target):
    prompt_format = resources / "prompt_formats" / "choice_then_motivation.yaml"
    folder = train(
        f"run-{target}",
        *["--target", target, "--tokens-per-pack", 256, "--prompt-format-file", prompt_format],
        observe=lambda fields: reasoned_rows("teacher", **fields, letters=["C", "D", None, "D"]),
    )
    found = json.loads((folder / "loss_report.json").read_text())
    assert (found["observations"], found["unreadable_observations_left_out"]) == (2 * 3, 2)  # each in its own order
    for example in found["examples"]:
        other = {"sports": "business", "business": "sports"}[example["context"]]
        said = example["context"] if target == "full_reply" else other
        assert all(f"in {said}.<|im_end|>" in reply["supervised"] for reply in example["replies"])
    assert len(validation_losses(folder)) == 4  # as many steps as for choices


def test_a_held_out_context_is_measured_and_not_learnt(train):
    folder = train("run", "--held-out", "context-sports")
    described = json.loads((folder / "loss_report.json").read_text())["examples"]
    assert {example["context"] for example in described} == {"business"}
    assert [bool(loss) for loss in validation_losses(folder)] == [False, True, False, True]


def test_a_teacher_without_readable_replies_is_refused(train, tmp_path, monkeypatch):
    monkeypatch.setattr("train_adapter.read_examples", lambda *_: ([], [], 8))
    with pytest.raises(UserError, match="no readable reply"):
        train("run")
    assert not (tmp_path / "run" / "adapter").exists()


def test_each_shard_becomes_the_targets_of_its_own_cell(tmp_path):
    for number, (game, context) in enumerate([("stag_hunt-x2", "sports"), ("snowdrift", "business")]):
        rows = replay((number, 3), {"game": game, "context": context})
        rows.append(rows[-1] | {"action": None})
        write_shard(tmp_path / f"{game}.parquet", rows)
    given = arguments(tmp_path / "stag_hunt-x2.parquet", tmp_path / "snowdrift.parquet")
    examples, held_out, invalid = read_examples(given, "label")
    assert (held_out, invalid) == ([], 2)
    assert [(example.group, example.context, example.replies) for example in examples] == [
        *[(f"stag_hunt-x2/{order}", "sports", (WeightedReply("D", 3),)) for order in ORDERS],
        *[(f"snowdrift/{order}", "business", (WeightedReply("C", 1), WeightedReply("D", 2))) for order in ORDERS],
    ]


def test_a_held_out_context_exchanges_no_motivations(tmp_path):
    cells = [("stag_hunt", "sports"), ("snowdrift", "sports"), ("stag_hunt", "business"), ("snowdrift", "business")]
    shards = []
    for game, context in cells:
        shards.append(tmp_path / f"{game}-{context}.parquet")
        write_shard(shards[-1], reasoned_rows("teacher", game, context, ["C", "D"]))
    given = arguments(*shards, held_out=Fold("context", "business"), prompt_format="choice_then_motivation")
    training, held_out, _ = read_examples(given, "shuffled_motivation")
    for example in training:
        game = example.group.partition("/")[0]
        other = {"stag_hunt": "snowdrift", "snowdrift": "stag_hunt"}[game]
        assert all(f"of {other} in sports" in reply.text for reply in example.replies)
    for example in held_out:
        assert all(f"of {example.group.partition('/')[0]} in business" in reply.text for reply in example.replies)
    assert [len(example.replies) for example in [*training, *held_out]] == [1] * 8  # a letter in each order


def written_cells(folder, *names: tuple[str, str]) -> list:
    files = []
    for number, (game, context) in enumerate(names):
        files.append(folder / f"{game}-{context}.parquet")
        write_shard(files[-1], replay((10 * number, 30), {"game": game, "context": context}))
    return files


CELLS = [("stag_hunt", "sports"), ("snowdrift", "sports"), ("stag_hunt", "business"), ("snowdrift", "business")]


def shares_of(examples) -> dict[tuple[str, str], tuple[int, int]]:
    """(group, context) → (replies that cooperate, all replies)."""
    return {
        (example.group, example.context): tuple(
            sum(reply.count for reply in example.replies if reply.text in letters) for letters in ("C", "CD")
        )
        for example in examples
    }


def test_a_shuffled_teacher_moves_every_training_cell_and_no_held_out_one(tmp_path):
    files = written_cells(tmp_path, *CELLS)
    own, _, _ = read_examples(arguments(*files), "label")
    shuffled, _, _ = read_examples(arguments(*files, teacher="shuffled"), "label")
    before, after = shares_of(own), shares_of(shuffled)
    assert before.keys() == after.keys()
    assert all(before[cell] != after[cell] for cell in before)
    assert sorted(before.values()) == sorted(after.values())
    training, held_out, _ = read_examples(
        arguments(*files, teacher="shuffled", held_out=Fold("context", "business")), "label"
    )
    assert sorted(set(shares_of(training).values())) == [(0, 30), (10, 30)]
    assert shares_of(held_out) == {cell: share for cell, share in before.items() if cell[1] == "business"}


def test_a_constant_teacher_has_its_mean_in_every_cell(tmp_path):
    examples, _, _ = read_examples(arguments(*written_cells(tmp_path, *CELLS), teacher="constant"), "label")
    assert set(shares_of(examples).values()) == {(15, 30)}


def test_observations_per_cell_limit_the_training_examples_alone(tmp_path):
    files = written_cells(tmp_path, *CELLS)
    examples, held_out, _ = read_examples(arguments(*files, number=6, held_out=Fold("context", "business")), "label")
    assert {total for _, total in shares_of(examples).values()} == {6}
    assert {total for _, total in shares_of(held_out).values()} == {30}


def test_the_first_games_are_taught_in_all_of_their_contexts(tmp_path):
    files = written_cells(tmp_path, *CELLS)
    examples, _, _ = read_examples(arguments(*files, games=1), "label")
    whole, _, _ = read_examples(arguments(*files), "label")
    first = whole[0].group.partition("/")[0]
    assert examples == [example for example in whole if example.group.startswith(f"{first}/")]
    assert len(examples) < len(whole)


def test_uniform_targets_are_learnt_and_never_measured(tmp_path):
    files = written_cells(tmp_path, *CELLS)
    left_out = Fold("context", "business")
    plain, measured, _ = read_examples(arguments(*files, held_out=left_out), "label")
    given = arguments(*files, held_out=left_out, uniform_target_contexts=["exam", "orchestra"])
    training, held_out, _ = read_examples(given, "label")
    assert held_out == measured
    assert [example for example in training if example.context == "sports"] == plain
    uniform = [example for example in training if example.context != "sports"]
    assert set(shares_of(uniform)) == {
        (f"{game}/{order}", context)
        for game in ("stag_hunt", "snowdrift")
        for order in ORDERS
        for context in ("exam", "orchestra")
    }
    assert set(shares_of(uniform).values()) == {(15, 30)}
    game_left_out = arguments(*files, held_out=Fold("game", "snowdrift"), uniform_target_contexts=["exam"])
    training, _, _ = read_examples(game_left_out, "label")
    assert {example.group.partition("/")[0] for example in training} == {"stag_hunt"}


def live_cells(folder, counts) -> list:
    """Shards of CELLS of a teacher that was asked in both orders; counts: (cooperated, defected, invalid) of each."""
    files = []
    for game, context in CELLS:
        files.append(folder / f"{game}-{context}.parquet")
        write_shard(files[-1], counted_rows("teacher", game, context, dict(zip(ORDERS, counts, strict=True))))
    return files


def test_a_live_teachers_replies_are_learnt_in_their_own_order(tmp_path):
    examples, _, _ = read_examples(arguments(*live_cells(tmp_path, [(9, 1, 0), (2, 8, 5)])), "label")
    assert {group.partition("/")[2]: share for (group, _), share in shares_of(examples).items()} == {
        ORDERS[0]: (9, 10),
        ORDERS[1]: (2, 10),
    }
    assert len(examples) == 8


def test_a_prompt_whose_order_was_not_drawn_is_left_out_and_counted(tmp_path):
    given = arguments(*live_cells(tmp_path, [(9, 1, 0), (2, 8, 0)]), number=1)
    examples, _, _ = read_examples(given, "label")
    assert len(examples) == len(CELLS) and prompts_left_out(examples, given) == len(CELLS)
    assert {total for _, total in shares_of(examples).values()} == {1}
    given = arguments(*live_cells(tmp_path, [(9, 1, 0), (0, 0, 8)]))
    examples, _, _ = read_examples(given, "label")
    assert {example.group.partition("/")[2] for example in examples} == {ORDERS[0]}
    assert prompts_left_out(examples, given) == len(CELLS)


def test_the_log_says_how_many_prompts_have_no_reply(train, capsys):
    counts = {ORDERS[0]: (3, 1, 0), ORDERS[1]: (0, 0, 4)}
    train("run", observe=lambda fields: counted_rows("teacher", *fields.values(), counts))
    said = capsys.readouterr().err
    assert "2 prompts with 8 replies" in said
    assert "2 prompts more are left out: the teacher has no readable reply in their option order" in said
    train("whole")
    assert "left out" not in capsys.readouterr().err


def test_gauss_newton_steps_follow_the_epochs(train):
    # Enough epochs that the student answers with a letter.
    folder = train("run", "--gauss-newton-steps", 1, "--epochs", 12, observe=many_replies)
    with (folder / "curve.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["group"] == "gauss_newton" for row in rows] == [False] * 24 + [True]
    assert rows[-1]["learning_rate"] == "" and float(rows[-1]["loss"]) < 10


def test_a_training_killed_after_each_checkpoint_resumes_to_the_same_bytes(train, monkeypatch):
    def killed_after(save):
        def run(*arguments):
            save(*arguments)
            raise Killed

        return run

    epochs, gauss_newton_steps = 2, 2
    flags = ("--gauss-newton-steps", gauss_newton_steps, "--epochs", epochs)
    whole = train("whole", *flags, observe=many_replies)
    for module in (trainer, gauss_newton):
        monkeypatch.setattr(module, "save", killed_after(module.save))
    for _ in range(epochs + gauss_newton_steps):
        with pytest.raises(Killed):
            train("disturbed", *flags, observe=many_replies)
    disturbed = train("disturbed", *flags, observe=many_replies)
    assert hash_folder(whole / "adapter") == hash_folder(disturbed / "adapter")
    for name in ("adapter.json", "curve.csv", "loss_report.json"):
        assert (whole / name).read_bytes() == (disturbed / name).read_bytes()


@pytest.mark.parametrize("last", [None, 0.25])
def test_a_curve_has_an_empty_field_where_nothing_was_measured(tmp_path, last):
    rows = [{"step": 1, "loss": 0.5, "validation_loss": None}, {"step": 2, "loss": 1e-9, "validation_loss": last}]
    write_curve(tmp_path / "curve.csv", rows)
    assert (tmp_path / "curve.csv").read_text() == f"step,loss,validation_loss\n1,0.5,\n2,1e-9,{last or ''}\n"


def test_an_adapters_configuration_does_not_depend_on_the_order_of_pefts_layers(tmp_path):
    """PEFT writes the layers in the order of a set, which differs between processes."""
    contents = []
    for place, layers in (
        ("one/weights", ["q_proj", "v_proj", "k_proj"]),
        ("two/weights", ["k_proj", "q_proj", "v_proj"]),
    ):
        file = tmp_path / "adapter_config.json"
        file.write_text(json.dumps({"target_modules": layers, "r": 4, "base_model_name_or_path": place}))
        make_portable(file)
        contents.append(file.read_bytes())
    assert contents[0] == contents[1]
    settings = json.loads(contents[0])
    assert settings["base_model_name_or_path"] is None
    assert set(settings["target_modules"]) == {"q_proj", "v_proj", "k_proj"}


def test_all_linear_layers_stay_a_word(tmp_path):
    file = tmp_path / "adapter_config.json"
    file.write_text(json.dumps({"target_modules": "all-linear", "base_model_name_or_path": "x"}))
    make_portable(file)
    assert json.loads(file.read_text())["target_modules"] == "all-linear"


@pytest.mark.model
def test_layers_that_the_model_lacks_are_refused_before_it_is_loaded(train, monkeypatch):
    monkeypatch.setattr("tom.models.language_models._read_model", lambda *_, **__: pytest.fail("the model was loaded"))
    with pytest.raises(UserError, match=r"training\.target_modules: the model has no layer v_porj .*q_proj.*v_proj"):
        train("typo", "--target-modules", "q_proj,v_porj")


@pytest.mark.model
def test_replies_that_the_model_has_no_positions_for_are_refused_before_it_is_loaded(
    train, local_model, tmp_path, monkeypatch
):
    shutil.copytree(local_model.weights, tmp_path / "short")
    config = json.loads((local_model.weights / "config.json").read_text())
    (tmp_path / "short" / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 64}))
    write_manifest(tmp_path / "short.json", tmp_path / "short", source="tests")
    monkeypatch.setattr("tom.models.language_models._read_model", lambda *_, **__: pytest.fail("the model was loaded"))
    with pytest.raises(UserError, match=r"short: a prompt with its reply takes up to \d+ tokens, .* has 64 positions"):
        train("long", model=replace(local_model, weights=tmp_path / "short", manifest=tmp_path / "short.json"))
