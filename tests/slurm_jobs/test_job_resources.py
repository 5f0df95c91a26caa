"""Resource requests grow with the model, and time limits also without a GPU."""

import pytest

from tom.slurm.job_resources import PROGRAM_MB, disk_mb, gradients_mb, memory_mb, minutes

SMALL = {"precision": "nf4", "gpus": 1, "billions": 7}
LARGE = SMALL | {"billions": 70}
WORK = ["convert", "sample", "train"]


@pytest.mark.parametrize("work", WORK)
def test_a_larger_model_requests_more(work):
    assert memory_mb(LARGE, work) - memory_mb(SMALL, work) >= 63 * 2000
    assert minutes(LARGE, work, observations=300, epochs=3) > minutes(SMALL, work, observations=300, epochs=3)


def test_weights_fit_at_their_precision():
    for precision, each in (("nf4", 2), ("bfloat16", 2), ("float32", 4)):
        assert memory_mb(SMALL | {"precision": precision}, "sample") == PROGRAM_MB + 7000 * each


def test_larger_packs_take_more_memory_in_training_alone():
    assert memory_mb(SMALL, "train", 4096) > memory_mb(SMALL, "train", 1024) == memory_mb(SMALL, "train", 10)
    assert memory_mb(SMALL, "sample", 4096) == memory_mb(SMALL, "sample")


def test_the_gradients_of_gauss_newton_steps_are_kept_by_a_training_alone():
    gradients = gradients_mb(SMALL, rank=16, prompts=40)
    assert 4 * 40 * 39_976_960 / 1e6 < gradients < 1.2 * 4 * 40 * 39_976_960 / 1e6  # the adapter of Llama-2-7b
    assert memory_mb(SMALL, "train", 1024, gradients) == memory_mb(SMALL, "train", 1024) + gradients
    assert memory_mb(SMALL, "sample", 1024, gradients) == memory_mb(SMALL, "sample", 1024)


@pytest.mark.parametrize("work", ["sample", "train"])
def test_time_limits_are_longer_without_a_gpu(work):
    slow = minutes(SMALL | {"gpus": 0}, work, observations=300, epochs=3)
    assert slow > 5 * minutes(SMALL, work, observations=300, epochs=3)


def test_disk_space_depends_on_precision_and_a_local_folder_takes_none():
    wheel = SMALL | {"source": "wheel"}
    assert disk_mb(wheel, "fetch") == 2 * disk_mb(wheel | {"source": "hub"}, "fetch") == 4 * 7000
    assert disk_mb(wheel | {"source": "folder"}, "fetch") == 0
    assert disk_mb(wheel, "convert") < disk_mb(wheel | {"precision": "bfloat16"}, "convert")


def test_a_model_of_unknown_size_counts_as_a_billion():
    unknown = {"precision": "source", "gpus": 0}
    assert memory_mb(unknown, "train") == memory_mb(unknown | {"billions": 1}, "train")
