"""The teacher's shards in one file, which every training reads."""

import gather_shards
import polars as pl
import pytest

from tom.config.study import cells_of
from tom.core.errors import UserError
from tom.sampling.recorded import replay
from tom.sampling.shard_paths import pack_paths
from tom.sampling.shards import read_shard, write_shard


def written(folder, games: list[str], contexts: list[str]) -> list[str]:
    """Shards of every cell, in the study's order."""
    files = []
    for game, context in cells_of({"games": games, "contexts": contexts}):
        files.append(folder / "shards" / "teacher" / game / f"{context}.parquet")
        write_shard(files[-1], replay((1, 3), {"game": game, "context": context}))
    return list(map(str, files))


def test_cells_keep_the_order_of_the_study_whatever_the_words_of_a_command(tmp_path, monkeypatch):
    games, contexts = ["stag_hunt", "chicken"], ["sports", "business", "family"]
    files = written(tmp_path, games, contexts)
    output = tmp_path / "teacher.parquet"
    words = pack_paths(files)
    assert len(words) == 1
    monkeypatch.setattr("sys.argv", ["gather_shards.py", "--shards", *words, "--output", str(output)])
    gather_shards.main()
    rows = read_shard(output)
    assert rows.select("game", "context").unique(maintain_order=True).rows() == [
        (game, context) for context in contexts for game in games
    ]
    assert rows.equals(pl.concat(map(read_shard, files)))


def test_an_empty_shard_is_named(tmp_path):
    (file,) = written(tmp_path, ["stag_hunt"], ["sports"])
    write_shard(file, [])
    with pytest.raises(UserError, match="no observations") as caught:
        gather_shards.gather([file])
    assert file in str(caught.value)
