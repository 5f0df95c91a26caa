"""The configs of a command line, looked at before Snakemake reads them.

Snakemake answers a missing file and a key with a point with a traceback, and a file that is no YAML without its name
and line. The profiles call this as they are read, which is before the configs are.
"""

import sys
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path

from tom.core.errors import UserError
from tom.core.yaml_files import read_document

DEFAULT = "config/config.yaml"
FILES = ("--configfile", "--configfiles")
KEYS = ("--config", "-C")


def given(words: Sequence[str], flags: tuple[str, ...], most: int | None = None) -> list[str]:
    """What the words of Snakemake's command line give to some flags, in their order. most: values of a flag."""
    values = []
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in flags:
            values += [value] if equals else takewhile(lambda word: not word.startswith("-"), words[place + 1 :][:most])
    return values


def check_files(files: Iterable[str]) -> None:
    """Errors: UserError if one is missing, is no YAML, has no keys, or gives one twice."""
    for file in files:
        if not Path(file).exists() and not Path(file).suffix:
            raise UserError(f"{file}: no such config file (a target stands before --configfile)")
        if not isinstance(read_document(file, "config"), dict):
            raise UserError(f"{file}: not a config (allowed: keys with values, such as `observations: 300`)")


def check_keys(settings: Iterable[str]) -> None:
    """Errors: UserError if one of `key=value` names a key of a section."""
    for setting in settings:
        key, _, value = setting.partition("=")
        section, point, name = key.partition(".")
        if point:
            raise UserError(
                f"--config: {key}: a command line sets keys of the first level alone (allowed: a file with"
                f" `{section}: {{{name}: {value}}}`, after --configfile)"
            )


def check_command_line() -> None:
    """Check the config files and keys of this process's command line; what is wrong ends it with one line."""
    words, default = sys.argv[1:], [DEFAULT] if Path(DEFAULT).is_file() else []
    try:
        check_keys(given(words, KEYS))
        check_files([*default, *given(words, FILES)])
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
