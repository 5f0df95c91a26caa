"""`make help` has a line for every target that a person asks for."""

import re
import subprocess

PARTS = {"run", "chromium", "install-chromium", "lock-vllm", "lock-gpu", "lock-conda"}
"""What other targets ask for; `make` alone is `make run`."""


def test_help_has_one_aligned_line_for_each_target(root):
    # Beneath another make it would name the folder that it enters.
    command = ["make", "--no-print-directory", "help"]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    lines = [line for line in said.splitlines() if line.startswith("make")]
    commands = [line for line in said.splitlines() if line.startswith("snakemake")]
    assert len({re.match(r"(?:make|snakemake)(?: \S+)? {2,}", line).end() for line in lines + commands}) == 1
    assert [line.split()[1] for line in commands] == ["plan", "report", "targets"]
    assert max(map(len, said.splitlines())) <= 120
    makefile = (root / "Makefile").read_text().replace("\\\n", " ")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    named = [line.split("  ")[0].removeprefix("make").strip() for line in lines]
    assert sorted(named) == sorted((targets - PARTS) | {"", ".venv/runs"})
