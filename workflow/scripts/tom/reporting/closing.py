"""What a run ends with: where its files lie, and the next command."""

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from tom.config.config_files import given

MOST_LINES = 6
"""Of files and folders; more of them are counted in the folders above."""


def file_lines(files: Sequence[str]) -> list[str]:
    """Files by folder, in a few lines: a folder with its number of files, or a file that is alone in it."""
    alone = {PurePath(file).parent: file for file in files}
    counts = Counter(PurePath(file).parent for file in files)
    while len(counts) > MOST_LINES:
        deepest = max(len(folder.parts) for folder in counts)
        if deepest < 2:
            break
        for folder in [folder for folder in counts if len(folder.parts) == deepest]:
            counts[folder.parent] += counts.pop(folder)
    return [
        f"  {alone[folder]}" if number == 1 and folder in alone else f"  {folder}/ ({number} files)"
        for folder, number in sorted(counts.items())
    ]


def first_screen(summary: str) -> str:
    """A summary's title, verdict and first section; of what follows, its headings."""
    verdict, *sections = re.split(r"^## ", summary, flags=re.MULTILINE)
    shown = "".join([verdict, *(f"## {section}" for section in sections[:1])]).rstrip()
    rest = [section.partition("\n")[0] for section in sections[1:]]
    return f"{shown}\n\nAlso in the summary: {'; '.join(rest)}.\n" if rest else f"{shown}\n"


FOUND_SNAKEFILES = ("Snakefile", "workflow/Snakefile")
"""Those that Snakemake looks for by itself in the folder where it runs."""


PROFILES = ("--profile", "--workflow-profile")


def profile_words(words: Sequence[str]) -> list[str]:
    """The profiles that Snakemake's command line names, as words of another one, with --cores if it says that too."""
    named = {flag: given(words, (flag,), most=1) for flag in PROFILES}
    said = [word for flag, values in named.items() if values for word in (flag, values[-1])]
    cores = any(re.fullmatch(r"--cores(=.*)?|-c.*", word) for word in words)
    return [*said, "--cores", "all"] if said and cores else said


def command(
    target: str, snakefile: str, configfiles: Sequence[str], config: Mapping[str, object], profiles: Sequence[str] = ()
) -> str:
    """A command line for a target of this workflow, with the configs of this run.

    config: of its command line. profiles: profile_words'. A profile may say itself how much runs at a time.
    """
    words = ["snakemake", target, *(profiles or ("--cores", "all"))]
    words += [] if snakefile in FOUND_SNAKEFILES else ["--snakefile", snakefile]
    words += ["--configfile", *configfiles] if configfiles else []
    words += ["--config", *(f"{key}={value}" for key, value in config.items())] if config else []
    return shlex.join(words)
