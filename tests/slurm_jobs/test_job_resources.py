"""Requests are at least what a job is expected to take, and at most twice that and minutes, with or without a GPU."""

import pytest

from tom.slurm.job_resources import (
    cpus,
    disk_mb,
    gpu_memory_mb,
    gpus,
    gradients_mb,
    load_seconds,
    memory_mb,
    minutes,
    weights_gb,
    work_seconds,
)

# Llama-2-7b and SmolLM2-135M, counted, and a teacher of 70 billion.
SMALL = {"engine": "transformers", "precision": "nf4", "compute_dtype": "bfloat16", "gpus": 1, "source": "hub"}
SMALL |= {"billions": 7, "unquantised": 0.262, "vocabulary": 32_000}
LARGE = {"engine": "vllm", "precision": "bfloat16", "gpus": 4, "billions": 70, "source": "hub"}
DEFAULT = {"precision": "nf4", "compute_dtype": "float32", "gpus": 0, "source": "wheel"}
DEFAULT |= {"billions": 0.135, "unquantised": 0.028, "vocabulary": 49_152}
MOTIVATIONS = {"replies": 300, "reply_tokens": 160}
LETTERS = {"replies": 300, "reply_tokens": 1}


@pytest.mark.parametrize(
    ("model", "work", "expected"),
    [
        # Seen with the default student; the others follow from sizes of files and processes (docs/gpu.md).
        (DEFAULT, "train", 4900),
        (SMALL, "convert", 11_000),
        (SMALL, "sample", 7000),
        (SMALL, "train", 8000),
        (LARGE, "convert", 14_000),
        (LARGE, "sample", 40_000),
    ],
)
def test_memory_is_up_to_twice_what_is_expected(model, work, expected):
    assert expected <= memory_mb(model, work, 1024) <= 2 * expected


@pytest.mark.parametrize(
    ("model", "shard", "seconds"),
    # 20 shards (docs/decisions.md): a load, and the hashing of 138 GB where a node reads them for the first time;
    # then 41 s each, or 13 or 1, on transformers, with vLLM 4.5.
    [
        (SMALL, MOTIVATIONS, 20 + 20 * 41),
        (SMALL | {"transformers": {"replies_per_batch": 150}}, MOTIVATIONS, 20 + 20 * 13),
        (SMALL, LETTERS, 20 + 20 * 1.1),
        (LARGE, MOTIVATIONS, 90 + 150 + 20 * 4.5),
    ],
)
def test_a_group_of_shards_has_up_to_twice_its_time_and_five_minutes(model, shard, seconds):
    asked = load_seconds(model) + 20 * work_seconds(model, "sample", **shard)
    assert seconds <= asked <= 2 * seconds + 300


@pytest.mark.parametrize(
    ("model", "epochs", "examples", "seconds"), [(SMALL, 3, 20, 272), (SMALL, 4, 40, 900), (DEFAULT, 4, 40, 234)]
)
def test_a_training_has_up_to_twice_its_time_and_ten_minutes(model, epochs, examples, seconds):
    asked = load_seconds(model) + work_seconds(model, "train", epochs=epochs, examples=examples)
    assert seconds <= asked <= 2 * seconds + 600


def test_a_time_limit_is_in_whole_minutes():
    assert [minutes(seconds) for seconds in (1, 60, 61)] == [1, 1, 2]


def test_replies_take_longer_without_a_gpu_and_choices_next_to_nothing():
    slow = SMALL | {"gpus": 0}
    assert work_seconds(slow, "sample", **MOTIVATIONS) > 100 * work_seconds(SMALL, "sample", **MOTIVATIONS)
    # 41 tokens a second were measured.
    assert work_seconds(DEFAULT, "sample", **MOTIVATIONS) > 300 * 160 / 41
    assert work_seconds(DEFAULT, "sample", **LETTERS) < 60


def test_a_job_with_gpus_has_cpus_for_what_feeds_them():
    assert cpus(SMALL, "sample", threads=1) == 4
    assert cpus(LARGE, "sample", threads=1) == 10
    assert cpus(SMALL, "train", threads=8) == 8
    assert cpus(DEFAULT, "train", threads=2) == 2
    assert cpus(LARGE, "convert", threads=1) == 1


def test_what_is_not_computed_on_a_gpu_asks_for_none():
    assert [gpus(SMALL | {"gpus": 2}, work) for work in ("sample", "train", "convert", "merge")] == [2, 1, 1, 0]
    assert gpus(LARGE, "convert") == 0
    assert gpu_memory_mb(LARGE, "convert") == gpu_memory_mb(DEFAULT, "train", tokens_per_pack=1024) == 0


def test_larger_packs_take_more_memory_in_training_alone():
    on_a_cpu = SMALL | {"gpus": 0}
    assert memory_mb(on_a_cpu, "train", 4096) > memory_mb(on_a_cpu, "train", 1024) == memory_mb(on_a_cpu, "train", 10)
    assert memory_mb(on_a_cpu, "sample", 4096) == memory_mb(on_a_cpu, "sample")
    small, large = (gpu_memory_mb(SMALL, "train", tokens_per_pack=tokens) for tokens in (1024, 4096))
    again = gpu_memory_mb(SMALL, "train", tokens_per_pack=4096, gradient_checkpointing=True)
    assert again < small < 24_000 * 0.9 < large < 48_000 * 0.9


def test_a_large_vocabulary_takes_memory_in_every_job_that_holds_its_embeddings():
    large = SMALL | {"unquantised": 1.0, "vocabulary": 256_000}
    for work in ("sample", "convert", "train"):
        more = gpu_memory_mb(large, work, tokens_per_pack=1024) - gpu_memory_mb(SMALL, work, tokens_per_pack=1024)
        assert more >= 1000 * (2 - 0.52) * 0.738
    logits = 3 * 4 * (256_000 - 32_000) * 1024 / 1e6
    assert more == pytest.approx(1000 * (2 - 0.516) * 0.738 + logits, abs=3)
    assert disk_mb(large, "convert") - disk_mb(SMALL, "convert") == pytest.approx(1000 * (2 - 0.516) * 0.738, abs=3)
    on_a_cpu = {"gpus": 0, "compute_dtype": "float32"}
    asked = [memory_mb(model | on_a_cpu, "train", 1024) for model in (SMALL, large)]
    assert asked[1] - asked[0] >= 12 * (256_000 - 49_152) * 1024 / 1e6


def test_a_model_that_is_not_counted_yet_is_taken_to_have_large_embeddings():
    unknown = {name: value for name, value in SMALL.items() if name not in ("unquantised", "vocabulary")}
    for work in ("sample", "convert", "train"):
        assert gpu_memory_mb(unknown, work, tokens_per_pack=1024) > gpu_memory_mb(SMALL, work, tokens_per_pack=1024)
    # No model is all embeddings and more.
    assert weights_gb(unknown | {"billions": 0.01}) == pytest.approx(2 * 0.01)
    assert weights_gb(unknown | {"precision": "bfloat16"}) == 14


def test_the_gradients_of_gauss_newton_steps_are_kept_by_a_training_alone():
    gradients = gradients_mb(SMALL, rank=16, prompts=40)
    assert 4 * 40 * 39_976_960 / 1e6 < gradients < 1.2 * 4 * 40 * 39_976_960 / 1e6  # the adapter of Llama-2-7b
    assert memory_mb(SMALL, "train", 1024, gradients) == memory_mb(SMALL, "train", 1024) + gradients
    assert memory_mb(SMALL, "sample", 1024, gradients) == memory_mb(SMALL, "sample", 1024)


def test_gpu_memory_holds_the_weights_and_what_is_computed():
    """Llama-2-7b and 70b: 32 layers of 32 heads, and 80 of 8, of 128 numbers each, as keys and as values of 2 bytes."""
    tokens = 64 * (300 + 160)
    small, large = (2 * 2 * 128 * layers * heads * tokens / 1e6 for layers, heads in ((32, 32), (80, 8)))
    assert 4000 + small < gpu_memory_mb(SMALL, "sample", reply_tokens=160) < 1.2 * (4000 + small) + 1500
    asked = gpu_memory_mb(LARGE, "sample", reply_tokens=160)
    assert (140_000 + large) / 4 < asked < 80_000 * 0.9
    assert gpu_memory_mb(SMALL, "sample") < 8000
    more = SMALL | {"transformers": {"replies_per_batch": 128}}
    twice = gpu_memory_mb(more, "sample", reply_tokens=160) - gpu_memory_mb(SMALL, "sample", reply_tokens=160)
    assert twice == pytest.approx(small, rel=0.1)


def test_gradient_checkpointing_lets_large_packs_fit_a_small_gpu():
    whole, again = (
        gpu_memory_mb(SMALL, "train", tokens_per_pack=4096, gradient_checkpointing=on) for on in (False, True)
    )
    assert again < 16_000 < 24_000 < whole


def test_disk_space_depends_on_precision_and_a_local_folder_takes_none():
    wheel = SMALL | {"source": "wheel"}
    assert disk_mb(wheel, "fetch") == 2 * disk_mb(SMALL, "fetch") == 4 * 7000
    assert disk_mb(wheel | {"source": "folder"}, "fetch") == 0
    assert disk_mb(wheel, "convert") < disk_mb(wheel | {"precision": "bfloat16"}, "convert")
