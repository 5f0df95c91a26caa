"""The registry of tables: complete, consistent, and read as the workflow needs it."""

import polars as pl
import pytest

from tom.core import code, table_columns
from tom.core.frames import frame_of, roles_of, table_schema
from tom.core.table_columns import column_types, describe_columns, headings, read_registry, tables_made_by

KEYS = {"files", "made_by", "scope", "title", "caption", "about", "like", "before", "columns"}
SCOPES = {"shard", "split", "study", "paper", "resource"}

REGISTRY = """
common:
  split: [String, "", set of cells]
tables:
  first:
    made_by: [one, two]
    title: First
    columns:
      split:
      gap: [Float64, propensity, mean distance]
  second:
    made_by: two
    like: first
    before:
      taught: [String, "", what was taught]
    columns:
      lead: [Float64, share, gap closed beyond another group's]
  third:
    like: second
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A small registry in place of the workflow's."""
    file = tmp_path / "tables.yaml"
    file.write_text(REGISTRY)
    registry = table_columns.read_registry(file)
    monkeypatch.setattr(table_columns, "read_registry", lambda file=None: registry)
    return file


def listed(value):
    return [value] if isinstance(value, str) else value


@pytest.mark.parametrize("table", read_registry()["tables"])
def test_every_table_is_registered_in_full(table, root):
    entry = read_registry()["tables"][table]
    assert set(entry) <= KEYS and {"files", "scope", "about"} <= set(entry)
    assert set(listed(entry["scope"])) <= SCOPES
    assert ("made_by" in entry) == (entry["scope"] != "resource")
    for script in listed(entry.get("made_by", [])):
        assert (root / "workflow/scripts" / f"{script}.py").is_file()
    assert "title" in entry or "caption" not in entry
    for column in describe_columns(table).values():
        assert column.type == "Enum" or isinstance(getattr(pl, column.type)(), pl.DataType)
        assert column.meaning


def test_no_two_tables_have_the_same_title():
    titles = [heading.title for heading in headings().values()]
    assert len(titles) == len(set(titles))


def test_a_table_has_the_columns_of_the_one_it_is_like_between_its_own(small):
    assert column_types("second") == {"taught": "String", "split": "String", "gap": "Float64", "lead": "Float64"}
    assert describe_columns("third") == describe_columns("second")
    assert describe_columns("second")["split"] == ("String", "", "set of cells")
    with pytest.raises(KeyError, match="fourth"):
        column_types("fourth")


def test_the_tables_of_a_script_are_in_the_registrys_order(small):
    assert tables_made_by("two") == ("first", "second")
    assert tables_made_by("one") == ("first",)
    assert headings() == {"first": ("First", "")}
    with pytest.raises(ValueError, match="three: writes no table"):
        tables_made_by("three")


def test_scripts_that_write_several_tables_have_these():
    assert set(tables_made_by("measure_sensitivities")) == {"sensitivities", "reactions", "joint_choice_model"}
    assert set(tables_made_by("evaluate_numbers")) == {"number_means", "number_distributions", "number_gaps"}
    assert {"alignment", "propensities", "diagnostics"} < set(tables_made_by("evaluate_split"))


def test_a_schema_has_polars_types_in_order():
    schema = table_schema("precision_drift")
    assert list(schema) == list(column_types("precision_drift"))
    assert schema["precision"] == pl.String and schema["cells"] == pl.UInt32 and schema["max_difference"] == pl.Float64
    with pytest.raises(ValueError, match="shards: the registry has no values of record, action"):
        table_schema("shards")


def test_rows_become_a_frame_of_a_schema():
    schema = {"model": pl.String(), "gap": pl.Float64()}
    frame = frame_of([{"gap": float("nan"), "other": 1}, {"model": "base", "gap": 0.5}], schema)
    assert frame.rows() == [(None, None), ("base", 0.5)]
    assert dict(frame_of([], schema).schema) == schema


def test_all_tuned_students_have_one_role():
    frame = pl.DataFrame({"model": ["teacher", "base", "tuned-seed1", "tuned-seed12"], "predictor": ["tuned"] * 4})
    assert frame.select(roles_of())["model"].to_list() == ["teacher", "base", "tuned", "tuned"]
    assert frame.select(roles_of("predictor"))["predictor"].unique().to_list() == ["tuned"]


def test_a_new_column_reruns_what_writes_the_table_and_a_new_meaning_reruns_nothing(monkeypatch):
    def hashes():
        for cached in (code._symbol_sha256, code.code_sha256):
            cached.cache_clear()
        return [code.code_sha256(f"{script}.py") for script in ("tabulate_response_curves", "tabulate_games")]

    before = hashes()
    types = column_types("response_curves")
    with monkeypatch.context() as patch:
        patch.setattr(
            code,
            "column_types",
            lambda table: types | {"new": "Int64"} if table == "response_curves" else column_types(table),
        )
        after = hashes()
    assert after[0] != before[0] and after[1] == before[1]
    assert hashes() == before
