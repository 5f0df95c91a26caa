"""The recorded teacher: the published table, and what is replayed from it."""

from collections import Counter

import pytest

from tom.core.errors import UserError
from tom.prompts.variants import PAPER_VARIANT
from tom.sampling.recorded import read_counts, replay, require_cells

HEAD = "split,context,game,model,cooperated,observations\n"


@pytest.fixture(scope="module")
def published(resources) -> dict:
    return read_counts(resources / "paper" / "observed_choices.csv", "teacher")


def table(folder, *rows: str, head: str = HEAD):
    file = folder / "counts.csv"
    file.write_text(head + "".join(f"{row}\n" for row in rows))
    return file


def test_the_paper_asked_its_teacher_in_52_cells(published):
    assert len(published) == 52
    assert sum(game.endswith("-x2") for game, _ in published) == 20
    assert Counter(context for _, context in published) == {
        **dict.fromkeys(["diplomacy", "business", "environment", "friendship", "teamwork"], 8),
        **dict.fromkeys(["roommates", "sports", "investors"], 4),
    }


def test_one_cell_of_the_teacher_has_299_observations(published):
    assert Counter(observations for _, observations in published.values()) == {300: 51, 299: 1}


@pytest.mark.parametrize(
    ("cell", "counts"),
    [
        (("prisoners_dilemma", "diplomacy"), (77, 300)),
        (("prisoners_delight", "diplomacy"), (106, 300)),
        (("prisoners_dilemma", "business"), (94, 300)),
    ],
)
def test_counts_stand_with_their_cell(published, cell, counts):
    assert published[cell] == counts


def test_a_doubled_row_belongs_to_the_games_double(tmp_path):
    file = table(tmp_path, "doubled_payoffs,sports,stag_hunt,teacher,1,3", "in_sample,sports,stag_hunt,teacher,2,3")
    assert read_counts(file, "teacher") == {("stag_hunt-x2", "sports"): (1, 3), ("stag_hunt", "sports"): (2, 3)}


def test_a_table_without_splits_names_the_games_double(tmp_path):
    rows = ("sports,stag_hunt-x2,people,1,3", "sports,stag_hunt,people,2,3")
    file = table(tmp_path, *rows, head="context,game,model,cooperated,observations\n")
    assert read_counts(file, "people") == {("stag_hunt-x2", "sports"): (1, 3), ("stag_hunt", "sports"): (2, 3)}


def test_other_models_rows_are_left_alone(tmp_path):
    file = table(tmp_path, "in_sample,sports,stag_hunt,base,many,3", "in_sample,sports,stag_hunt,teacher,2,3")
    assert read_counts(file, "teacher") == {("stag_hunt", "sports"): (2, 3)}


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ("in_sample,sports,stag_hunt,teacher,many,3", "whole numbers"),
        ("in_sample,sports,stag_hunt,teacher,1.5,3", "whole numbers"),
        ("in_sample,sports,stag_hunt,teacher,,3", "whole numbers"),
        ("in_sample,sports,stag_hunt,teacher,1", "whole numbers"),
        ("in_sample,sports,stag_hunt,teacher,4,3", "4 of 3"),
        ("in_sample,sports,stag_hunt,teacher,-1,3", "-1 of 3"),
        ("in_sample,sports,stag_hunt,teacher,0,0", "0 of 0"),
        ("in_sample,business,stag_hunt,teacher,2,3", "stag_hunt in business"),  # the second row of that cell
    ],
)
def test_a_bad_row_is_named_with_its_line(tmp_path, row, part):
    file = table(tmp_path, "in_sample,business,stag_hunt,teacher,1,3", row)
    with pytest.raises(UserError, match=part) as caught:
        read_counts(file, "teacher")
    assert f"{file}, line 3" in str(caught.value)


@pytest.mark.parametrize(
    ("head", "part"), [("split,context,game,model,cooperated\n", "observations"), ("", "missing column")]
)
def test_a_missing_column_is_named(tmp_path, head, part):
    file = table(tmp_path, head=head)
    with pytest.raises(UserError, match=part) as caught:
        read_counts(file, "teacher")
    assert str(file) in str(caught.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match="no such table") as caught:
        read_counts(tmp_path / "counts.csv", "teacher")
    assert str(tmp_path / "counts.csv") in str(caught.value)


def test_cells_without_counts_are_all_named():
    counts = {("stag_hunt", "sports"): (1, 3)}
    require_cells(counts, [("stag_hunt", "sports")], "counts.csv", "teacher")
    with pytest.raises(UserError) as caught:
        require_cells(counts, [("a", "b"), ("stag_hunt", "sports"), ("c", "d")], "counts.csv", "teacher")
    named, hint = str(caught.value).split(" (allowed: ")
    assert named == "counts.csv: no recorded choices of 'teacher' for a in b, c in d"
    assert "`recorded: false`" in hint


@pytest.mark.parametrize("counts", [(0, 3), (1, 3), (3, 3), (77, 300)])
def test_a_replay_has_the_counts_in_the_papers_one_variant(counts):
    rows = replay(counts, {"model": "teacher", "game": "stag_hunt"})
    actions = [row["action"] for row in rows]
    assert (actions.count("cooperate"), len(actions)) == counts
    assert actions == sorted(actions)
    assert [row["observation"] for row in rows] == list(range(counts[1]))
    for row in rows:
        assert (row["order"], row["cooperation_label"]) == (PAPER_VARIANT.order, PAPER_VARIANT.cooperation_label)
        assert (row["record"], row["engine"], row["model"]) == ("observation", "recorded", "teacher")
        assert "raw" not in row
