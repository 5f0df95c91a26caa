import subprocess

import polars as pl
import pytest

from tom.core.errors import UserError
from tom.core.table_columns import headings
from tom.page.cells import paper_table
from tom.page.html_tables import (
    LEADS,
    MOST_ROWS,
    from_markdown,
    markdown_parts,
    read_dictionary,
    result_tables,
    to_table,
    with_code,
)
from tom.page.provenance import commit, config_sha256, config_text, model_table, part_of, versions
from tom.reporting.wording import shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"), (True, "yes"), (3, "3"), (0.0, "0.000"), (0.12345, "0.123"), (-0.5, "−0.500"), (-2, "−2"),
        (12.3456, "12.346"), (123.45, "123.5"), (0.00031, "0.0003"), (2.4e-7, "2e-07"), ("text", "text"),
        ("base -1", "base -1"),
    ],
)  # fmt: skip
def test_values_are_shown(value, text):
    assert shown(value) == text


def test_a_table_leaves_out_what_holds_nothing_and_reads_names():
    frame = pl.DataFrame({"game": ["stag_hunt-x2", None], "low": [0.5, None], "high": [None, None], "raw": ["", None]})
    described = {"low": ("Float64", "propensity", "lower `end`")}
    table = to_table(frame, described, "key", "Title", filters=("game", "order"))
    assert [(column.name, column.title, column.numeric) for column in table.columns] == [
        ("game", "Game", False),
        ("low", "Low", True),
        ("raw", "Reply", False),
    ]
    assert table.columns[1].meaning == "lower end (propensity)"
    assert table.rows == [["Stag hunt ×2", "0.500", ""], ["–", "–", None]]
    assert [(column.name, values) for column, values in table.offered()] == [("game", ["Stag hunt ×2", "–"])]


def test_shares_are_shown_in_percent():
    frame = pl.DataFrame({"gap_closed": [0.7059, None, -0.25, -0.0002], "gap": [0.25, 0.5, 0.0, 0.0]})
    described = {"gap_closed": ("Float64", "share", "closed"), "gap": ("Float64", "propensity", "distance")}
    table = to_table(frame, described, "key", "Title")
    assert [column.title for column in table.columns] == ["Gap closed (%)", "Gap"]
    assert [column.meaning for column in table.columns] == ["closed (%)", "distance (propensity)"]
    assert table.rows == [["70.6", "0.250"], ["–", "0.500"], ["−25.0", "0.000"], ["0.0", "0.000"]]


def test_values_and_meanings_are_in_the_words_of_the_page():
    frame = pl.DataFrame(
        {"view": ["fixed", "both"], "order": ["swapped", None], "predictor": ["noise_ceiling", "chance"]}
    )
    described = {
        "view": ("String", "", "both: the mean; fixed: the paper's"),
        "predictor": ("String", "", "tuned, tuned-seed1"),
    }
    table = to_table(frame, described, "key", "Title")
    assert table.rows == [["paper's", "Cooperation last", "noise ceiling"], ["both", "–", "chance"]]
    assert (table.columns[0].title, table.columns[0].meaning) == ("Order", "both: the mean; paper's: the paper's")
    assert table.columns[2].meaning == "tuned student, tuned-seed1"


def test_every_table_that_is_shown_is_described(root):
    dictionary = read_dictionary(root / "workflow/schemas/tables.yaml")
    assert set(headings()) <= set(dictionary)
    assert dictionary["rates"]["observations"][1] == "replies"
    assert dictionary["controls"]["gap"] == dictionary["alignment"]["gap"]


def test_a_wide_table_is_shown_under_two_headings(root):
    keys = {"split": ["in_sample"] * 2, "predictor": ["tuned", "chance"], "gap_closed": [0.5, 0.1]}
    leads = {name: [0.4, None] for name in LEADS}
    dictionary = read_dictionary(root / "workflow/schemas/tables.yaml")
    gaps, lead = result_tables({"alignment": pl.DataFrame(keys | leads)}, {}, dictionary)
    assert [column.name for column in gaps.columns] == list(keys)
    assert [column.name for column in lead.columns] == ["split", "predictor", *leads]
    assert [row[1] for row in lead.rows] == ["tuned student"]
    assert (gaps.key, lead.key) == ("table-alignment", "table-alignment-leads")


def test_tables_are_shown_in_the_registrys_order_under_its_titles(root):
    dictionary = read_dictionary(root / "workflow/schemas/tables.yaml")
    frame = pl.DataFrame({"split": ["in_sample"], "level": ["split"]})
    tables = dict.fromkeys(("figures", "diagnostics", "propensities", "equivalence", "rates"), frame)
    tables |= {"games": frame.clear(), "contexts": frame}
    found = result_tables(tables, {"contexts": ["contexts.csv"]}, dictionary)
    shown = ["equivalence", "contexts", "propensities", "diagnostics", "figures"]
    assert [table.key for table in found] == [f"table-{name}" for name in shown]
    assert [(table.title, table.about) for table in found] == [headings()[name] for name in shown]
    assert [table.files for table in found] == [[], ["contexts.csv"], [], [], []]


def test_a_damaged_dictionary_is_named(tmp_path):
    file = tmp_path / "columns.yaml"
    file.write_text("tables: {rates: {columns: {low: }}}")
    with pytest.raises(UserError, match=r"columns\.yaml: not a registry of tables"):
        read_dictionary(file)


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("model-1-of-2.safetensors", "weights"), ("tokenizer_config.json", "tokenizer"), ("vocab.json", "tokenizer"),
        ("chat_template.jinja", "template"), ("config.json", "settings"), ("README.md", "other"),
    ],
)  # fmt: skip
def test_a_file_of_a_model_is_known_by_its_name(file, part):
    assert part_of(file) == part


def test_a_damaged_manifest_is_named(tmp_path):
    file = tmp_path / "manifest.json"
    file.write_text("{}")
    with pytest.raises(UserError, match=r"manifest\.json: not a model's manifest"):
        model_table([file])


def test_no_order_of_keys_changes_the_configs_hash_or_text():
    one, other = {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3, "c": 2}, "a": 1}
    assert config_sha256(one) == config_sha256(other) != config_sha256({"a": 2})
    assert config_text(one) == config_text(other)


def test_the_papers_cells_stand_beside_those_of_the_same_name(resources):
    keys = {"split": "in_sample", "level": "cell", "view": "fixed", "game": "stag_hunt", "context": "business"}
    rates = {"teacher": 0.35, "base": 0.8, "tuned-seed1": 0.4, "tuned-seed2": 0.5}
    ours = pl.DataFrame([keys | {"model": model, "rate": rate} for model, rate in rates.items()])
    table = paper_table(ours, resources / "paper/observed_choices.csv", 0.95)
    assert table.rows == [["In sample", "Stag hunt", "Business", "0.350", "0.350", "0.857", "0.800", "0.713", "0.450"]]
    elsewhere = ours.with_columns(split=pl.lit("our_own"))
    assert paper_table(elsewhere, resources / "paper/observed_choices.csv", 0.95) is None


def test_markup_in_markdown_is_inert():
    html = from_markdown("<img src=x> [a](javascript:b) ![c](d)\n\n| a |\n| - |\n| <i> |\n")
    assert "&lt;img src=x&gt;" in html
    assert "<a" not in html and "<img" not in html
    assert "<td>&lt;i&gt;</td>" in html


def test_a_missing_value_of_a_summary_is_a_dash_and_a_hyphen_stays():
    html = from_markdown("| a | b |\n| - | -: |\n| - | x-y |\n")
    assert "<td>–</td>" in html and ">x-y</td>" in html


def test_a_summary_falls_apart_at_its_headings_and_loses_its_title():
    parts = markdown_parts("# Gone\n\n- found\n\n## One\n\nfirst\n\n## Two\n\n- second\n")
    assert [*parts] == ["", "One", "Two"]
    assert "<li>found</li>" in parts[""] and parts["One"] == "<p>first</p>\n" and "<li>second</li>" in parts["Two"]
    assert not any("Gone" in part or "<h" in part for part in parts.values())


def test_code_in_a_sentence_is_marked_and_markup_is_not():
    assert with_code("needs `students`, <b> & a ` alone") == "needs <code>students</code>, &lt;b&gt; &amp; a ` alone"
    assert with_code("`<b>`") == "<code>&lt;b&gt;</code>"


def test_versions_begin_with_python_and_leave_out_what_is_absent():
    found = dict(versions())
    assert next(iter(found)) == "python"
    assert "polars" in found and "vllm" not in found


def test_the_commit_is_the_projects_own(tmp_path):
    assert commit(tmp_path) is None
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    (tmp_path / "file").write_text("one")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *arguments], check=True)
    head = commit(tmp_path)
    assert len(head) == 40
    (tmp_path / "file").write_text("two")
    assert commit(tmp_path) == f"{head}, with uncommitted changes"
    (tmp_path / "inside").mkdir()
    assert commit(tmp_path / "inside") is None


def test_a_table_of_thousands_of_rows_is_cut_and_says_so():
    table = to_table(pl.DataFrame({"gap": range(MOST_ROWS + 7)}), {}, "key", "Title", "About.")
    assert len(table.rows) == MOST_ROWS
    assert table.about == "About. The first 5,000 of 5,007 rows; the files hold all."
    assert to_table(pl.DataFrame({"gap": range(3)}), {}, "key", "Title").about == ""
