"""The training script's own functions: what it reads, and what it writes for good."""

import argparse
import json

import pytest
from regenerate_golden import cell_files
from train_adapter import make_portable, read_lessons, write_curve

from tom.errors import BadInput
from tom.recorded_teacher import replay
from tom.shards import write_shard
from tom.variants import ORDERS


def arguments(*shards) -> argparse.Namespace:
    cells = [cell_files("stag_hunt", "sports"), cell_files("snowdrift", "business")]
    return argparse.Namespace(
        shards=list(shards),
        game_files=[cell.game_file for cell in cells],
        context_files=[cell.context_file for cell in cells],
        elicitation_file=cells[0].elicitation_file,
        orders=list(ORDERS),
    )


def test_each_shard_teaches_its_own_cell(tmp_path):
    for number, (game, context) in enumerate([("stag_hunt-x2", "sports"), ("snowdrift", "business")]):
        rows = replay((number, 3), {"game": game, "context": context})
        rows.append(rows[-1] | {"action": None})
        write_shard(tmp_path / f"{game}.parquet", rows)
    lessons, invalid = read_lessons(arguments(tmp_path / "stag_hunt-x2.parquet", tmp_path / "snowdrift.parquet"))
    assert invalid == 2
    assert [(lesson.group, lesson.context, lesson.replies) for lesson in lessons] == [
        *[(f"stag_hunt-x2/{order}", "sports", (("D", 3),)) for order in ORDERS],
        *[(f"snowdrift/{order}", "business", (("C", 1), ("D", 2))) for order in ORDERS],
    ]


def test_an_empty_shard_is_named(tmp_path):
    write_shard(tmp_path / "empty.parquet", [])
    with pytest.raises(BadInput, match="no observations") as caught:
        read_lessons(arguments(tmp_path / "empty.parquet"))
    assert str(tmp_path / "empty.parquet") in str(caught.value)


@pytest.mark.parametrize("last", [None, 0.25])
def test_a_curve_has_an_empty_field_where_nothing_was_measured(tmp_path, last):
    rows = [{"step": 1, "loss": 0.5, "validation_loss": None}, {"step": 2, "loss": 1e-9, "validation_loss": last}]
    write_curve(tmp_path / "curve.csv", rows)
    assert (tmp_path / "curve.csv").read_text() == f"step,loss,validation_loss\n1,0.5,\n2,1e-9,{last or ''}\n"


def test_an_adapters_configuration_has_the_same_bytes_whatever_order_peft_gave_its_layers(tmp_path):
    """PEFT writes the layers of an adapter as it finds them in a set: in another order in each process."""
    contents = []
    for place, layers in (("/tmp/one", ["q_proj", "v_proj", "k_proj"]), ("/home/two", ["k_proj", "q_proj", "v_proj"])):
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
