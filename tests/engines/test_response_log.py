"""The response_log of answers: what survives a crash, and that one process writes it."""

import os
import subprocess
import sys

import pytest

from tom.core.errors import UserError
from tom.engines.response_log import open_response_log, question_key


@pytest.fixture
def file(tmp_path):
    """A response_log with two answers."""
    path = tmp_path / "new" / "folder" / "partial.jsonl"
    with open_response_log(path) as response_log:
        response_log.add({"a": {"text": "C"}})
        response_log.add({"b": {"text": "é\n"}})
    return path


def answers_in(file) -> dict:
    with open_response_log(file) as response_log:
        return response_log.answers


def test_answers_are_there_the_next_time(file):
    assert answers_in(file) == {"a": {"text": "C"}, "b": {"text": "é\n"}}


@pytest.mark.parametrize("torn", ['{"key": "c", "answer": {"te', '{"key": "c", "answer": 1}', "\0" * 50 + "\n", "[]\n"])
def test_a_line_that_is_not_whole_is_dropped_and_what_follows_is_sound(file, torn):
    whole = file.read_bytes()
    with file.open("a") as stream:
        stream.write(torn)
    with open_response_log(file) as response_log:
        assert set(response_log.answers) == {"a", "b"}
        assert file.read_bytes() == whole
        response_log.add({"c": 3})
    assert answers_in(file)["c"] == 3


def test_every_byte_of_a_torn_line_is_dropped(file):
    content = file.read_bytes()
    first = content.index(b"\n") + 1
    for length in range(first, len(content)):
        file.write_bytes(content[:length])
        assert set(answers_in(file)) == {"a"}, length


def test_answers_are_on_the_disk_before_adding_returns(file):
    with open_response_log(file) as response_log:
        response_log.add({"c": 1})
        assert file.read_text().endswith('{"key": "c", "answer": 1}\n')


def test_a_second_writer_is_refused(file):
    with open_response_log(file):
        script = (
            "import sys; from tom.engines.response_log import open_response_log as log\nwith log(sys.argv[1]): pass"
        )
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", script, str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert "another job is writing it" in done.stderr
        with pytest.raises(UserError, match="another job is writing it"), open_response_log(file):
            pass
    assert set(answers_in(file)) == {"a", "b"}


def test_a_removed_log_is_gone_and_the_next_is_empty(file):
    with open_response_log(file) as response_log:
        response_log.remove()
        with open_response_log(file) as other:  # of another file at the same place, so it is not locked
            assert other.answers == {}
    assert file.exists()


def test_a_key_depends_on_content_and_not_on_its_order():
    assert question_key({"a": 1, "b": [1, 2]}) == question_key({"b": [1, 2], "a": 1})
    assert len({question_key(value) for value in ({"a": 1}, {"a": 2}, {"a": 1.5}, {"b": 1}, {"a": [1]})}) == 5
