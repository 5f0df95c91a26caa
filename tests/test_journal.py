"""The journal of answers: what survives a crash, and that one process writes it."""

import os
import subprocess
import sys

import pytest

from tom.engines.journal import open_journal, question_key
from tom.errors import BadInput


@pytest.fixture
def file(tmp_path):
    """A journal with two answers."""
    path = tmp_path / "new" / "folder" / "partial.jsonl"
    with open_journal(path) as journal:
        journal.add({"a": {"text": "C"}})
        journal.add({"b": {"text": "é\n"}})
    return path


def answers_in(file) -> dict:
    with open_journal(file) as journal:
        return journal.answers


def test_answers_are_there_the_next_time(file):
    assert answers_in(file) == {"a": {"text": "C"}, "b": {"text": "é\n"}}


@pytest.mark.parametrize("torn", ['{"key": "c", "answer": {"te', '{"key": "c", "answer": 1}', "\0" * 50 + "\n", "[]\n"])
def test_a_line_that_is_not_whole_is_dropped_and_what_follows_is_sound(file, torn):
    whole = file.read_bytes()
    with file.open("a") as stream:
        stream.write(torn)
    with open_journal(file) as journal:
        assert set(journal.answers) == {"a", "b"}
        assert file.read_bytes() == whole
        journal.add({"c": 3})
    assert answers_in(file)["c"] == 3


def test_every_byte_of_a_torn_line_is_dropped(file):
    content = file.read_bytes()
    first = content.index(b"\n") + 1
    for length in range(first, len(content)):
        file.write_bytes(content[:length])
        assert set(answers_in(file)) == {"a"}, length


def test_answers_are_on_the_disk_before_adding_returns(file):
    with open_journal(file) as journal:
        journal.add({"c": 1})
        assert file.read_text().endswith('{"key": "c", "answer": 1}\n')


def test_a_second_writer_is_refused(file):
    with open_journal(file):
        script = "import sys; from tom.engines.journal import open_journal\nwith open_journal(sys.argv[1]): pass"
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", script, str(file)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert "another job is writing it" in done.stderr
        with pytest.raises(BadInput, match="another job is writing it"), open_journal(file):
            pass
    assert set(answers_in(file)) == {"a", "b"}


def test_a_removed_journal_is_gone_and_the_next_is_empty(file):
    with open_journal(file) as journal:
        journal.remove()
        with open_journal(file) as other:  # of another file at the same place, so nobody is in the way
            assert other.answers == {}
    assert file.exists()


def test_a_key_depends_on_content_and_not_on_its_order():
    assert question_key({"a": 1, "b": [1, 2]}) == question_key({"b": [1, 2], "a": 1})
    assert len({question_key(value) for value in ({"a": 1}, {"a": 2}, {"a": 1.5}, {"b": 1}, {"a": [1]})}) == 5
