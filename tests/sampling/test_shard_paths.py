"""Paths of many shards as few words."""

from itertools import product

from tom.sampling.shard_paths import pack_paths, unpack_paths


def paths(folder: str, models, games, contexts) -> list[str]:
    return [f"{folder}/{'/'.join(cell)}.parquet" for cell in product(models, games, contexts)]


def test_thousands_of_paths_are_a_few_words():
    models, games, contexts = ([f"{kind}{number}" for number in range(20)] for kind in ("m", "g", "c"))
    many = paths("results/in_sample/shards", models, games, contexts)
    words = pack_paths(many)
    assert len(words) == 1 and len(words[0]) < 500
    assert list(unpack_paths(words)) == many


def test_each_folder_has_a_word_of_its_own():
    untuned = paths("results/in_sample/shards", ["teacher", "base"], ["a"], ["x", "y"])
    tuned = paths("results/validation/shards", ["tuned-seed1"], ["a"], ["x", "y"])
    words = pack_paths(untuned + tuned)
    assert words == [
        "results/in_sample/shards/{teacher,base}/a/{x.parquet,y.parquet}",
        "results/validation/shards/tuned-seed1/a/{x.parquet,y.parquet}",
    ]
    assert list(unpack_paths(words)) == untuned + tuned


def test_paths_that_are_not_all_combinations_stay_as_they_are():
    some = paths("shards", ["base", "teacher"], ["a", "b"], ["x"])[:3]
    assert pack_paths(some) == some == list(unpack_paths(some))


def test_the_order_of_cells_is_no_matter():
    by_context = [f"s/base/{game}/{context}.parquet" for context in ("x", "y") for game in ("a", "b")]
    assert sorted(unpack_paths(pack_paths(by_context))) == sorted(by_context)
