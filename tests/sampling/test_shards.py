"""Shards: what is written comes back, the same bytes each time, and a damaged file is named."""

from pathlib import Path

import polars as pl
import pytest

from tom.core.errors import UserError
from tom.sampling.shards import COLUMNS, LATER, read_shard, read_shards, scanned_shards, write_shard

SCORE = {"record": "score", "model": "base", "game": "stag_hunt", "p_cooperate": 0.1 + 0.2, "option_mass": 1e-300}
OBSERVATION = {"record": "observation", "model": "base", "observation": 7, "raw": "C\n é", "action": "cooperate"}
ROWS = [SCORE, OBSERVATION, OBSERVATION | {"action": None, "raw": "I'd rather not."}]


@pytest.fixture
def shard(tmp_path):
    """A shard as long as those of a run."""
    write_shard(tmp_path / "shard.parquet", [OBSERVATION | {"observation": number} for number in range(300)])
    return tmp_path / "shard.parquet"


def complaint(file) -> str:
    with pytest.raises(UserError) as caught:
        read_shard(file)
    assert str(file) in str(caught.value)
    return str(caught.value)


def test_rows_come_back_with_null_where_they_said_nothing(tmp_path):
    write_shard(tmp_path / "deep" / "er" / "shard.parquet", ROWS)
    expected = [dict.fromkeys(COLUMNS) | row for row in ROWS]
    assert read_shard(tmp_path / "deep" / "er" / "shard.parquet").to_dicts() == expected


@pytest.mark.parametrize("rows", [[], ROWS])
def test_the_columns_are_those_promised(tmp_path, rows):
    write_shard(tmp_path / "shard.parquet", rows)
    assert dict(read_shard(tmp_path / "shard.parquet").schema) == COLUMNS


@pytest.mark.parametrize("missing", LATER)
def test_a_shard_of_an_earlier_version_is_read_with_nulls(tmp_path, shard, missing):
    """Its answers may have been paid."""
    earlier = tmp_path / "earlier.parquet"
    read_shard(shard).drop(missing).write_parquet(earlier)
    assert read_shard(earlier).equals(read_shard(shard)) and read_shard(shard)[missing].null_count() == 300
    with scanned_shards([earlier, shard]) as (both,):
        assert both.collect().equals(read_shards([shard, earlier]))


def test_the_same_rows_are_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_shard(tmp_path / name, ROWS)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    "row", [OBSERVATION | {"action": "flee"}, OBSERVATION | {"record": "rumour"}, OBSERVATION | {"observation": "one"}]
)
def test_a_failed_write_keeps_the_old_shard_and_leaves_nothing_else(tmp_path, row):
    file = tmp_path / "shard.parquet"
    with pytest.raises(Exception):  # noqa: B017 - whatever polars raises
        write_shard(file, [row])
    assert list(tmp_path.iterdir()) == []
    write_shard(file, ROWS)
    before = file.read_bytes()
    with pytest.raises(Exception):  # noqa: B017
        write_shard(file, [row])
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_a_write_that_dies_half_way_keeps_the_old_shard(shard, monkeypatch):
    def die(self, content):
        with self.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError("disk full")

    before = shard.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", die)
    with pytest.raises(OSError, match="disk full"):
        write_shard(shard, ROWS)
    assert shard.read_bytes() == before
    assert list(shard.parent.iterdir()) == [shard]


def test_shards_are_read_one_after_the_other(tmp_path):
    for number in (1, 2):
        write_shard(tmp_path / f"{number}.parquet", [OBSERVATION | {"observation": number}])
    files = [tmp_path / "2.parquet", tmp_path / "1.parquet"]
    assert read_shards(files)["observation"].to_list() == [2, 1]


def test_shards_are_scanned_as_they_are_read(tmp_path):
    for number in (1, 2):
        write_shard(tmp_path / f"{number}.parquet", [OBSERVATION | {"observation": number}])
    words = [str(tmp_path / "{2,1}.parquet")]
    with scanned_shards(words, [tmp_path / "1.parquet"]) as (both, one):
        assert both.collect().equals(read_shards(words))
        assert one.collect().height == 1


def spoil_middle(good, bad):
    """A shard whose footer is whole and whose first column is not."""
    content = good.read_bytes()
    bad.write_bytes(content[:4] + b"\0" * 12 + content[16:])


def test_a_scanned_shard_that_is_missing_damaged_or_of_another_shape_is_named(tmp_path):
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    write_shard(good, [OBSERVATION])
    for spoil, words in (
        (lambda: None, "no such shard"),
        (lambda: bad.write_bytes(good.read_bytes()[:100]), "damaged shard"),
        (lambda: pl.read_parquet(good).drop("raw").write_parquet(bad), "not a shard of this version"),
        (lambda: spoil_middle(good, bad), "damaged shard"),
        (lambda: pl.read_parquet(good).with_columns(more=1).write_parquet(bad), "not a shard of this version"),
    ):
        spoil()
        with pytest.raises(UserError, match=words) as error, scanned_shards([good, bad]) as (both,):
            both.select(pl.all().null_count()).collect(engine="streaming")
        assert str(bad) in str(error.value)


@pytest.mark.parametrize("name", ["x[1]", "x*", "seed=1", "a b"])
def test_a_folder_may_have_any_name(tmp_path, name):
    for folder in ("x", "x1", name):
        write_shard(tmp_path / folder / "shard.parquet", [OBSERVATION | {"model": folder}])
    assert read_shard(tmp_path / name / "shard.parquet")["model"].to_list() == [name]


def test_a_missing_shard_is_named(tmp_path):
    assert "no such shard" in complaint(tmp_path / "shard.parquet")


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.9, 0.9999])
def test_a_truncated_shard_is_named(shard, share):
    shard.write_bytes(shard.read_bytes()[: int(share * shard.stat().st_size)])
    assert "delete it and run again" in complaint(shard)


@pytest.mark.parametrize("content", [b"no parquet at all", b"PAR1" * 100, b"\0" * 5000])
def test_another_format_is_named(tmp_path, content):
    (tmp_path / "shard.parquet").write_bytes(content)
    assert "damaged shard" in complaint(tmp_path / "shard.parquet")


def test_no_damaged_byte_ends_in_another_error(shard):
    content = shard.read_bytes()
    for place in range(1, len(content), 8):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        shard.write_bytes(damaged)
        try:
            read_shard(shard)
        except UserError as error:
            assert str(shard) in str(error)
        except BaseException as error:  # noqa: BLE001 - a panic in Rust is no Exception
            pytest.fail(f"byte {place} of {len(content)}: {type(error).__name__}")


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        (pl.DataFrame({"a": [1]}), "record"),
        (pl.DataFrame(schema=COLUMNS | {"seed": pl.Int32}), "seed"),
        (pl.DataFrame(schema=COLUMNS | {"mood": pl.String}), "mood"),
        (pl.DataFrame(schema={name: kind for name, kind in COLUMNS.items() if name != "raw"}), "raw"),
        (pl.DataFrame(schema=COLUMNS | {"action": pl.Enum(["cooperate", "defect", "flee"])}), "action"),
    ],
)
def test_a_foreign_table_is_named_with_the_columns_that_differ(tmp_path, frame, part):
    frame.write_parquet(tmp_path / "shard.parquet")
    text = complaint(tmp_path / "shard.parquet")
    assert "not a shard of this version" in text and part in text
