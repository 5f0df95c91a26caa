"""One cell's sampling job against an endpoint, as a process in a folder of its own."""

import subprocess
import sys
from pathlib import Path

from tom.core.flags import flags_of
from tom.engines.endpoint import Endpoint

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"


def endpoint_at(base_url: str, **changes) -> Endpoint:
    """An endpoint that is asked one request at a time, with hardly a pause between tries."""
    settings = {
        "model": "teacher-70b",
        "key_variable": "",
        "concurrency": 1,
        "n_per_request": 1,
        "timeout_seconds": 60,
        "give_up_minutes": 1,
        "backoff_seconds": 0.001,
    }
    return Endpoint(base_url, **(settings | changes))


class Job:
    """The job of one cell; `prompt_format`: the file that says how it is asked."""

    procedure = "free_replies"
    game = "stag_hunt"
    listed: tuple[str, ...] = ("--option-orders", "cooperation_first", "cooperation_last")

    def __init__(self, folder: Path, resources: Path, prompt_format: Path | None = None):
        self.folder = folder
        self.shard = folder / "shard.parquet"
        self.partial = folder / "partial" / "cell.jsonl"
        self.usage = folder / "usage.json"
        self.texts = {
            "game-file": resources / "games" / "stag_hunt.yaml",
            "context-file": resources / "contexts" / "sports.yaml",
            "prompt-format-file": prompt_format or resources / "prompt_formats" / "choice.yaml",
        }

    def command(self, endpoint: Endpoint, observations: int) -> list[str]:
        """The command line of the script."""
        words = self.texts | {
            "procedure": self.procedure,
            "model": "teacher",
            "game": self.game,
            "observations": observations,
            "temperature": 0.8,
            "seed": 1,
            "partial": self.partial,
            "usage": self.usage,
            "output": self.shard,
        }
        flags = [word for name, value in words.items() for word in (f"--{name}", str(value))]
        script = str(SCRIPTS / "sample_endpoint.py")
        return [sys.executable, script, *flags, *flags_of(endpoint), *self.listed]

    def run(self, endpoint: Endpoint, observations: int) -> tuple[int, str]:
        """Exit status and stderr."""
        process = self.start(endpoint, observations)
        said = process.communicate(timeout=120)[1]
        return process.returncode, said

    def start(self, endpoint: Endpoint, observations: int) -> subprocess.Popen:
        """Start the job; its stderr can be read."""
        return subprocess.Popen(self.command(endpoint, observations), stderr=subprocess.PIPE, text=True)

    def kept(self) -> int:
        """Whole lines of the partial file."""
        return self.partial.read_bytes().count(b"\n") if self.partial.exists() else 0


class NumberJob(Job):
    """The job of one cell of a public goods game."""

    procedure = "numbers"
    game = "public_goods"
    listed = ()

    def __init__(self, folder: Path, resources: Path):
        super().__init__(folder, resources, resources / "numbers" / "public_goods.yaml")
        self.texts["game-file"] = resources / "games" / "public_goods.yaml"
        self.texts["context-file"] = resources / "group_contexts" / "neutral.yaml"
