"""One load for many shards against one load for each: CPU seconds of the sampling stage.

python benchmarks/resident_engine.py [--model FOLDER] [--shards 12]
"""

import argparse
import sys
import tempfile
from itertools import islice, product
from pathlib import Path

import yaml
from measure import ROOT, SCRIPTS, add_model_argument, engine_cpu_seconds, model_folder, run

IDLE_SECONDS = 30


def shard_command(model: Path, cell: tuple[str, str], idle_seconds: float, output: Path) -> list[str]:
    """The command line of one shard of the base student, as the rule has it. cell: game and context."""
    game, context = cell
    resources = ROOT / "resources"
    words = {
        "procedure": "choices",
        "model": "base",
        "game": game,
        "game-file": resources / "games" / f"{game}.yaml",
        "context-file": resources / "contexts" / f"{context}.yaml",
        "prompt-format-file": resources / "prompt_formats" / "choice.yaml",
        "observations": 300,
        "temperature": 1.0,
        "seed": 1,
        "threads": 1,
        "gpus": 0,
        "idle-seconds": idle_seconds,
        "weights": model / "weights",
        "manifest": model / "manifest.json",
        "output": output,
    }
    flags = [f"--{name}={value}" for name, value in words.items()]
    return [
        sys.executable,
        str(SCRIPTS / "sample_shard.py"),
        *flags,
        "--option-orders",
        "cooperation_first",
        "cooperation_last",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=12, help="cells that are sampled")
    add_model_argument(parser)
    arguments = parser.parse_args()
    shards, model = arguments.shards, model_folder(arguments.model)
    split = yaml.safe_load((ROOT / "config/config.yaml").read_text())["splits"]["in_sample"]
    cells = list(islice(product(split["games"], split["contexts"]), shards))
    with tempfile.TemporaryDirectory() as temporary:
        alone = Path(temporary) / "alone.parquet"
        resident = Path(temporary) / "resident.parquet"
        # One shard first, so that neither side pays for reading the weights into the page cache.
        run(shard_command(model, cells[0], 0, alone))
        loads = sum(run(shard_command(model, cell, 0, alone))[0] for cell in cells)
        before = engine_cpu_seconds()
        clients = sum(run(shard_command(model, cell, IDLE_SECONDS, resident))[0] for cell in cells)
        engine = engine_cpu_seconds() - before
        assert alone.read_bytes() == resident.read_bytes()
    print(f"{len(cells)} shards, one load each: {loads:.0f} CPU-s ({loads / len(cells):.1f} a shard)")
    print(
        f"{len(cells)} shards, resident:      {clients + engine:.0f} CPU-s (clients {clients:.0f}, engine {engine:.0f})"
    )
    print(f"ratio: {loads / (clients + engine):.1f}")


if __name__ == "__main__":
    main()
