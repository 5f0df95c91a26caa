"""Training curves as TensorBoard's logs, read back record by record. They need tensorboardX: make test-page."""

import struct
import sys

import log_curve
import polars as pl
import pytest
from tensorboardX.proto.event_pb2 import Event

from tom.core.errors import UserError


def scalars(folder) -> list[tuple[str, int, float]]:
    """(tag, step, value) of the one event file of a folder, in its order."""
    (file,) = folder.iterdir()
    content, at, found = file.read_bytes(), 0, []
    while at < len(content):
        # A record: its length, a checksum of that, the event, and a checksum of it.
        (length,) = struct.unpack_from("<Q", content, at)
        event = Event.FromString(content[at + 12 : at + 12 + length])
        at += 12 + length + 4
        found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
    return found


@pytest.fixture
def curve(tmp_path):
    file = tmp_path / "seed1" / "curve.csv"
    file.parent.mkdir()
    rows = {"epoch": [1, 1, 2], "step": [1, 2, 3], "loss": [1.5, 0.75, 0.5], "learning_rate": [0.25, 0.125, None]}
    pl.DataFrame(rows | {"validation_loss": [None, 2.0, None]}).write_csv(file)
    return file


def test_what_is_read_back_is_the_curve(curve, tmp_path, monkeypatch):
    folder = tmp_path / "tensorboard"
    monkeypatch.setattr(sys, "argv", ["log_curve.py", "--curve", str(curve), "--output", str(folder)])
    log_curve.main()
    found = scalars(folder)
    by_tag = {tag: [(step, value) for name, step, value in found if name == tag] for tag, _, _ in found}
    assert by_tag == {
        "training/loss": [(1, 1.5), (2, 0.75), (3, 0.5)],
        "training/learning_rate": [(1, 0.25), (2, 0.125)],
        "training/validation_loss": [(2, 2.0)],
        "training/epoch": [(1, 1.0), (2, 1.0), (3, 2.0)],
    }


def test_a_curve_that_is_missing_leaves_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "tensorboard"
    monkeypatch.setattr(sys, "argv", ["log_curve.py", "--curve", "none.csv", "--output", str(folder)])
    with pytest.raises(UserError, match="no such training curve"):
        log_curve.main()
    assert not folder.exists()
