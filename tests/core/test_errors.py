"""How a script ends: bad input with its message alone, everything else with a traceback."""

import re

import pytest

from tom.core.errors import UserError, run_main


def test_bad_input_ends_with_its_message_and_status_2(capsys):
    def main():
        raise UserError("config.yaml: games: 'chess' is not allowed")

    with pytest.raises(SystemExit) as caught:
        run_main(main)
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: config.yaml: games: 'chess' is not allowed\n"


def test_any_other_error_is_raised_as_it_is():
    def main():
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="a fault of ours"):
        run_main(main)


def test_a_script_that_ends_well_says_how_long_it_took(capsys):
    run_main(lambda: print("done"))
    said = capsys.readouterr()
    assert said.out == "done\n"
    assert re.fullmatch(r"\S+: \d+\.\d s\n", said.err)
