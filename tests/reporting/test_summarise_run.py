import re
import sys

import polars as pl
import pytest
from made_tables import made_tables
from summarise_run import main

from tom.core.table_columns import describe_columns
from tom.reporting.biases import describe_model, student_lines
from tom.reporting.findings import describe_contexts, equivalence_line, verdict_line
from tom.reporting.main_result import main_result, main_result_latex
from tom.reporting.summary import (
    TABLES,
    paper_rows,
    predictors_of,
    propensity_words,
    summary_lines,
    unreadable_lines,
)
from tom.reporting.tables import markdown_table
from tom.reporting.wording import (
    cells_told,
    counted,
    describe_lead,
    describe_leads,
    estimate,
    gap_closed,
    listed,
    minus_signs,
    percent,
    signed_points,
)


@pytest.fixture(scope="module")
def tables(resources):
    return made_tables(resources)


@pytest.fixture(scope="module")
def paper(resources):
    return resources / "paper" / "observed_choices.csv", resources / "paper" / "observed_contributions.csv"


@pytest.fixture(scope="module")
def lines(tables, paper):
    return summary_lines(tables, *paper, "Small-135M", "Large-70b")


def test_the_summary_fits_a_screen(lines):
    lines = "\n".join(lines).splitlines()
    assert len(lines) <= 76
    assert max(map(len, lines)) <= 118


def test_what_was_found_comes_before_its_figures(lines):
    text = "\n".join(lines)
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert [heading.partition(" ")[2] for heading in headings[1:]] == [
        *["Distances from the teacher", "Order and letters", "Cells, context and game"]
    ]
    assert text.index("- In sample: nearer") < text.index(headings[1])


def test_the_paper_stands_beside_a_run_of_its_cells_alone(tables, paper, lines):
    assert "## Beside the paper" not in lines
    its_own = tables["alignment"].with_columns(cells=pl.when(split="in_sample").then(20).otherwise(1))
    text = "\n".join(summary_lines(tables | {"alignment": its_own}, *paper, "s", "t"))
    assert "## Beside the paper" in text and re.search(r"^\| In sample +\| +46 \|", text, re.MULTILINE)
    assert "It explodes where teacher and base are alike" in text and "read closed." in text


def test_the_summary_says_what_was_found(lines):
    text = "\n".join(lines)
    assert "# What Small-135M learnt from Large-70b" in text
    words = "the students' are exact, the teacher's sampled, in all the orders that it was asked in."
    assert f"propensities: {words}\n" in text
    assert "0.400 → 0.050" in text  # exact gaps of the headline view
    assert "0.500 → 0.070" in text  # and in the paper's order, .02 more for each student
    flat = " ".join(text.split())
    assert "- In sample: nearer to the teacher (seed SD 17.7 points); beats chance, the constant" in flat
    assert "Nearer than the base in 2 of 2 contexts" in flat
    # Seed 1 is the teacher itself in each of four cells, seed 2 a tenth above it.
    margin = "within 10 percentage points of the teacher"
    assert f"- Cells equivalent / different / undecided {margin}: In sample 4 / 4 / 0" in flat
    header = next(line for line in lines if line.startswith("| in sample, % of the variance due to"))
    rows = lines[lines.index(header) + 2 :][:3]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (header, *rows)]
    assert cells[0][1:] == ["teacher", "base", "tuned", "learnt (1: all, 0: none)"]
    # The variance over four cells is the context's alone, and of the game there is nothing to learn.
    assert cells[1][:4] == ["the context", "100", "-", "100"] and re.fullmatch(r"1\.00 \(.* to .*\)", cells[1][4])
    assert cells[2] == ["the game", "0", "-", "0", "none to learn"]
    assert cells[3] == ["noise (part of both; from 100 on, nothing else shows)", "1", "-", "1", "-"]
    assert "- Reactions unlike the teacher's, in sample (joint model): base, context" in flat
    # Bias of .1 either way in the base; change 0, distance |2p - 1|.
    assert (
        "- Base: the option order moves it by 20 percentage points; "
        "what is listed first decides, not the letter." in flat
    )
    assert (
        "- Tuned: the option order moves it by 4 percentage points; it follows the game more than the letter." in text
    )


def test_the_papers_figures_are_computed_from_its_counts(tables, paper):
    rows = {split: cells for split, *cells in paper_rows(tables["alignment"], *paper)}
    assert rows["In sample"][0] == "46"
    assert rows["In sample"][2].startswith("33 (")
    assert rows["In sample"][3] == "49"
    assert rows["Out of sample contexts"][0] == "18"
    assert rows["Doubled payoffs"][0] == "40"
    assert rows["Public goods"][0] == "28"


def test_cells_are_counted_over_seeds(lines):
    # Seed 1 improves every cell by 100 %, exactly or nearly so; seed 2 none beyond.
    row = next(line for line in lines if line.startswith("| In sample") and "→" not in line and "(" not in line)
    assert sum(int(part) for part in row.split("|")[2:-1]) == 8


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.1, 0.2, "beats"),
        (-0.2, -0.1, "falls short of"),
        (-0.1, 0.1, "not distinguishable from"),
        (None, None, "comparable"),
    ],
)
def test_a_lead_is_judged_by_its_interval(low, high, words):
    assert words in describe_lead({"chance_low": low, "chance_high": high}, "chance")


def test_leads_are_grouped_and_what_follows_is_said():
    row = {"chance": (0.1, 0.2), "constant": (-0.2, -0.1), "offset": (-0.1, 0.1), "nearest": (None, None)}
    row = {f"{name}_{end}": value for name, ends in row.items() for end, value in zip(("low", "high"), ends)}
    assert describe_leads(row) == (
        "beats chance; falls short of the constant; not distinguishable from the offset;"
        " not comparable with the nearest cell, so this is no gain over what needs no student"
    )
    ahead = dict.fromkeys(row, 0.1)
    assert describe_leads(ahead) == "beats every baseline"
    assert describe_leads(dict.fromkeys(row, -0.1)) == "falls short of every baseline"
    assert listed(["a"]) == "a"


def test_an_estimate_has_one_form():
    row = {"gap_closed": 0.334, "low": 0.28, "high": 0.381}
    assert gap_closed(row) == "33 (28 to 38)"
    assert gap_closed(row, " %") == "33 % (28 to 38)"
    assert gap_closed(row | {"gap_closed": None}, undefined="undefined") == "undefined"
    assert estimate(0.012, -0.003, 0.02, signed_points) == "+1.2 (-0.3 to +2.0)"


@pytest.mark.parametrize(
    ("closed", "low", "high", "words"),
    [
        (0.2, 0.1, 0.3, "nearer to the teacher"),
        (-0.2, -0.3, -0.1, "farther from the teacher"),
        (0.0, -0.1, 0.1, "no clear change"),
        (None, None, None, "not estimated, since the base has no gap"),
    ],
)
def test_a_split_is_judged_by_its_interval(tables, closed, low, high, words):
    changed = (
        tables["alignment"]
        .with_columns(gap_closed=pl.lit(closed, pl.Float64), low=pl.lit(low, pl.Float64), high=pl.lit(high, pl.Float64))
        .with_columns(not_estimated=pl.lit("the base has no gap"))
    )
    none = tables["generalisation"].clear()
    tuned = predictors_of(changed.filter(measure="exact"), "in_sample", "both")["tuned"]
    assert words in verdict_line(tuned, none)


@pytest.mark.parametrize(
    ("change", "distance", "words"),
    [(0.1, 0.6, "the game more"), (0.6, 0.1, "the letter more"), (0.05, 0.08, "neither game nor letter")],
)
def test_what_a_student_follows(change, distance, words):
    row = {"order_bias": None, "letter_change": change, "letter_distance": distance}
    assert words in describe_model("base", row)


def test_negative_numbers_have_minus_signs_and_words_keep_their_hyphens():
    said = minus_signs("| -14 | 4 (-1 to 10) | -40 % (-46 to -35) | 8.2e-05 | - | Llama-2-70b | (tuned - base) | 3-7")
    assert said == "| −14 | 4 (−1 to 10) | −40 % (−46 to −35) | 8.2e-05 | - | Llama-2-70b | (tuned - base) | 3-7"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "1 point"),
        (0, "0 points"),
        ("-1", "-1 point"),
        ("+1", "+1 point"),
        ("1.0", "1.0 points"),
        (1200, "1,200 points"),
    ],
)
def test_one_is_singular(number, words):
    assert counted(number, "point") == words


def test_one_point_one_context_and_one_reply_are_no_more(tables):
    row = {"order_bias": 0.0081, "letter_change": 0.3, "letter_distance": 0.1}
    assert "moves it by 1 percentage point; it follows" in describe_model("tuned", row)
    row = {"contexts_nearer": 1, "contexts": 1, "low": -0.12, "high": 0.13, "lead": 0.0123}
    assert describe_contexts(row) == (
        "Nearer than the base in 1 of 1 context;"
        " on average 1 percentage point nearer (contexts as the sample: -12 to 13)"
    )
    narrow = tables["equivalence"].with_columns(margin=0.01)
    assert "within 1 percentage point of the teacher" in equivalence_line(narrow, "both", "exact")
    assert cells_told([("in_sample", 1), ("other", 2)]) == "1 cell, in sample; 2 cells, other"
    assert counted("1", "reply", "replies") == "1 reply" and counted("2", "reply", "replies") == "2 replies"


def test_unreadable_replies_are_told_by_model_and_outcome(tables, paper):
    assert unreadable_lines(tables["diagnostics"]) == []
    # 4 cells of 300 replies in each of three splits; two tuned students count as one model.
    unread = pl.when(pl.col("model") != "teacher").then(36).otherwise(0)
    changed = tables["diagnostics"].with_columns(
        invalid=unread, refused=unread, off_format=pl.when(pl.col("model") == "base").then(6).otherwise(0)
    )
    told = "Unreadable replies, left out of every rate: base 3.0% refused, 0.5% off format; tuned 3.0% refused."
    assert unreadable_lines(changed) == [told]
    assert told in summary_lines(tables | {"diagnostics": changed}, *paper, "s", "t")


def test_of_many_unreadable_replies_the_summary_shows_the_most_frequent(tables):
    unread = pl.when(pl.col("model") == "base").then(120).when(pl.col("model") == "teacher").then(12).otherwise(0)
    changed = tables["diagnostics"].with_columns(invalid=unread, off_format=unread)
    texts = ["both", "`It`\ndepends.", "x" * 200, "rare"]
    replies = pl.DataFrame(
        {
            "model": ["base"] * 5 + ["teacher"],
            "outcome": ["off_format"] * 4 + ["read", "off_format"],
            "raw": [*texts, "C", "of the teacher"],
            "replies": [50, 40, 29, 1, 900, 12],
        }
    )
    assert unreadable_lines(changed, replies)[1:] == [
        "- base, off format, 50 times: `both`",
        "- base, off format, 40 times: `'It' depends.`",
        f"- base, off format, 29 times: `{'x' * 70} ...`",
    ]
    few = changed.with_columns(off_format=pl.lit(12))
    assert len(unreadable_lines(few, replies)) == 1


def test_sampled_propensities_do_where_there_are_no_exact_ones(tables, paper):
    sampled = {
        name: table.filter(measure="sampled") if "measure" in table.columns else table for name, table in tables.items()
    }
    text = "\n".join(summary_lines(sampled, *paper, "s", "t"))
    assert "the students' are sampled, the teacher's sampled" in text


def test_exact_propensities_on_both_sides_are_said_to_be_without_noise():
    row = {"measure": "exact", "teacher_answers": "exact"}
    words = "propensities: the students' are exact, the teacher's exact."
    assert propensity_words(row) == f"{words} Nothing was drawn for them, so intervals have no width."


def test_the_main_result_holds_the_numbers_of_the_summary(tables, lines):
    result = main_result(tables["alignment"])
    assert result.columns == list(describe_columns("main_result"))
    assert result.select("split", "view").rows() == [
        (split, view)
        for split in tables["alignment"]["split"].unique(maintain_order=True)
        for view in ("both", "fixed")
    ]
    row = result.row(0, named=True)
    text = main_result_latex(result, "Small_135M & co", "Large-70b")
    (line,) = (line for line in text.splitlines() if line.startswith("In sample & both"))
    assert (
        line.count("&") == 9
        and f"{row['base_gap']:.3f} & {row['tuned_gap']:.3f} & {percent(row['gap_closed'])} (" in line
    )
    assert r"What Small\_135M \& co learnt from Large-70b." in text and r"95\% interval" in text
    # Each brace and environment is closed, and no minus is a hyphen.
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")
    assert [text.count(rf"\{end}{{{what}}}") for end in ("begin", "end") for what in ("table", "tabular")] == [1] * 4
    assert not re.search(r"[& (]-\d", text)
    empty = result.with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in ("gap_closed", "low", "high", "chance")
    )
    assert "& -- & --" in main_result_latex(empty, "s", "t")


def test_tables_are_aligned():
    lines = markdown_table(["name", "n"], [["a", "100"], ["longer", "1"]])
    assert lines == ["| name   |   n |", "| ------ | --: |", "| a      | 100 |", "| longer |   1 |"]


def test_main_writes_the_summary(tables, paper, tmp_path, monkeypatch):
    arguments = []
    for name in TABLES:
        tables[name].write_parquet(tmp_path / f"{name}.parquet")
        arguments += [f"--{name.replace('_', '-')}", str(tmp_path / f"{name}.parquet")]
    arguments += ["--published", str(paper[0]), "--contributions", str(paper[1])]
    arguments += ["--main-result", str(tmp_path / "main_result.parquet")]
    monkeypatch.setattr(sys, "argv", ["summarise_run.py", *arguments, "--output", str(tmp_path / "summary.md")])
    main()
    plain = (tmp_path / "summary.md").read_text()
    assert plain.startswith("# What the student learnt from the teacher\n")
    assert {file.suffix for file in tmp_path.glob("main_result.*")} == {".parquet", ".csv", ".tex"}

    with_chance = ["summarise_run.py", *arguments, "--uniform-target-contexts", "exam", "orchestra"]
    monkeypatch.setattr(sys, "argv", [*with_chance, "--output", str(tmp_path / "chance.md")])
    main()
    told = "\n## Training\n\n- Also trained on chance in 2 contexts in which no teacher was asked: exam, orchestra.\n"
    assert (tmp_path / "chance.md").read_text() == plain + told


def test_what_the_students_follow_stands_before_the_tables_and_once(lines):
    text = "\n".join(lines)
    lead = text.partition("\n## ")[0]
    for name in ("Base", "Tuned"):
        assert f"\n- {name}: " in lead and text.count(f"\n- {name}: ") == 1


def test_a_base_whose_free_replies_are_seldom_a_choice_is_said_to_be_one():
    row = {"order_bias": 0.678, "letter_change": 0.058, "letter_distance": 0.68, "invalid": 0, "observations": 20}
    models = [("teacher", None), ("base", 0.06), ("tuned-seed1", 0.998)]
    frame = pl.DataFrame([{"model": model, "option_mass": mass} | row for model, mass in models])
    base, tuned = (" ".join(line.split()) for line in student_lines(frame))
    assert base.endswith("Of its free replies 6 % would begin with one of the two letters.")
    assert "free replies" not in tuned
