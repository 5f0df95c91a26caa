"""The config files of a command line, looked at before Snakemake reads them.

Snakemake answers a missing file with a traceback, and a file that is no YAML without its name and line. The
profiles call this as they are read, which is before the configs are.
"""

import sys
from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from tom.core.errors import UserError
from tom.core.yaml_files import read_document

DEFAULT = "config/config.yaml"
FLAGS = ("--configfile", "--configfiles")


def named_files(words: list[str]) -> list[str]:
    """The files that the words of Snakemake's command line name as configs, in their order."""
    files = []
    for place, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in FLAGS:
            files += [value] if equals else takewhile(lambda word: not word.startswith("-"), words[place + 1 :])
    return files


def check_files(files: Iterable[str]) -> None:
    """Errors: UserError if one is missing, is no YAML, has no keys, or gives one twice."""
    for file in files:
        if not Path(file).exists() and not Path(file).suffix:
            raise UserError(f"{file}: no such config file (a target stands before --configfile)")
        if not isinstance(read_document(file, "config"), dict):
            raise UserError(f"{file}: not a config (allowed: keys with values, such as `observations: 300`)")


def check_command_line() -> None:
    """Check the config files of this process's command line; what is wrong ends it with one line."""
    default = [DEFAULT] if Path(DEFAULT).is_file() else []
    try:
        check_files([*default, *named_files(sys.argv[1:])])
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
