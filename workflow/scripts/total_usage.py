"""Add up what the teacher's endpoint used: a CSV table with one row for each shard and one for their sum."""

import argparse
import csv
import json
from dataclasses import asdict, fields
from pathlib import Path

from tom.core.errors import run_main
from tom.core.files import atomic_file, log_written
from tom.engines.endpoint import Usage, in_words
from tom.sampling.shard_paths import unpack_paths


def read_usage(file: Path) -> tuple[Usage, float | None]:
    """Usage and cost of one shard; the cost is None without prices."""
    document = json.loads(file.read_text())
    return Usage(**{field.name: document[field.name] for field in fields(Usage)}), document["cost"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--usage", nargs="+", required=True, help="…/{game}/{context}.json")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    found = {file: read_usage(file) for file in map(Path, unpack_paths(arguments.usage))}
    total = sum((usage for usage, _ in found.values()), Usage())
    costs = [cost for _, cost in found.values()]
    cost = None if None in costs else sum(costs)
    with atomic_file(arguments.output) as temporary, temporary.open("w", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["game", "context", *asdict(total), "cost"])
        for file, (usage, one) in found.items():
            writer.writerow([file.parent.name, file.stem, *asdict(usage).values(), one])
        writer.writerow(["all", "all", *asdict(total).values(), cost])
    log_written(arguments.output, in_words(total, cost))


if __name__ == "__main__":
    run_main(main)
