"""A study of 10,000 shards: planning its run, and a run with nothing left to do; seconds and peak memory.

python benchmarks/large_study.py FOLDER [--seeds 23] [--games 20] [--contexts 20]

Makes the study in FOLDER, a new one: a copy of the workflow, a recorded teacher, a base student and a tuned one for
each seed, and a shard of 300 observations for each of them in every cell. No model is loaded: all else that a run
writes is there as empty files, which Snakemake is told to take for finished.
"""

import argparse
import csv
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr
from itertools import product
from pathlib import Path

import numpy as np
import yaml
from measure import ROOT
from snakemake.api import SnakemakeApi
from snakemake.jobs import Job
from snakemake.settings.enums import Quietness
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, ResourceSettings
from snakemake.workflow import Workflow

from tom.games.rescaling import SCALE_MARK
from tom.prompts.variants import ORDERS, asked, scored
from tom.sampling.recorded import COLUMNS, replay
from tom.sampling.shards import write_shard

COPIED = ("Snakefile", "workflow", "config", "resources", "profiles", "docs")
MODEL = "resources/tiny_pair/student"
"""A folder that the checks before a run accept; it answers nothing."""
GAMES = ("prisoners_delight", "prisoners_dilemma", "snowdrift", "stag_hunt")
OBSERVATIONS = 300
CONFIG = "large.yaml"
COUNTS = "counts.csv"
LOG = "said.log"
SHARD_RULES = ("replay_shard", "sample_shard")


def make_study(folder: Path, seeds: int, games: int, contexts: int) -> list[tuple[str, str]]:
    """Write the study, its shards aside, and return its cells as (game, context)."""
    folder.mkdir(parents=True)
    for name in COPIED:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, folder / name)
    scales = ["", *(f"{SCALE_MARK}{scale}" for scale in range(2, games))]
    named_games = [f"{game}{scale}" for scale, game in product(scales, GAMES)][:games]
    named_contexts = [f"place{number}" for number in range(contexts)]
    for context in named_contexts:
        text = {"situation": f"You and the other player are neighbours in {context}."}
        (folder / f"resources/contexts/{context}.yaml").write_text(yaml.safe_dump(text))
    cells = list(product(named_games, named_contexts))
    with (folder / COUNTS).open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(COLUMNS)
        for number, (game, context) in enumerate(cells):
            table.writerow([context, game, "teacher", number % OBSERVATIONS, OBSERVATIONS])
    config = {
        "splits": {
            "in_sample": {"games": named_games, "contexts": named_contexts},
            "out_of_sample_contexts": None,
            "doubled_payoffs": None,
            "public_goods": None,
        },
        "teacher": {"recorded": {"counts": COUNTS, "model": "teacher"}},
        "student": {"name": "none", "engine": "transformers", "source": "folder", "folder": MODEL}
        | {"precision": "nf4", "compute_dtype": "float32", "gpus": 0, "billions": 0.135},
        "training": {"seeds": list(range(1, seeds + 1))},
    }
    (folder / CONFIG).write_text(yaml.safe_dump(config))
    return cells


def write_shard_of(job: Job) -> None:
    """A job's shard: the teacher's counts, or a student of random propensities."""
    (output,) = job.output
    model, game, context = (job.wildcards[name] for name in ("model", "game", "context"))
    fields = {"model": model, "game": game, "context": context, "prompt_format": "choice"}
    if model == "teacher":
        rows = replay((len(output) % OBSERVATIONS, OBSERVATIONS), fields)
    else:
        rows = list(student_rows(fields, np.random.default_rng(list(output.encode()))))
    with open(os.devnull, "w") as nowhere, redirect_stderr(nowhere):
        write_shard(output, rows)


def student_rows(fields: dict, random: np.random.Generator) -> Iterator[dict]:
    """Score and observation rows of one student in one cell."""
    for variant in scored(list(ORDERS)):
        yield fields | {
            "record": "score",
            "order": variant.order,
            "cooperation_label": variant.cooperation_label,
            "p_cooperate": random.random(),
            "option_mass": random.random(),
        }
    variants = asked(list(ORDERS))
    for number in range(OBSERVATIONS):
        variant = variants[number % len(variants)]
        cooperated = random.random() < 0.5
        yield fields | {
            "record": "observation",
            "order": variant.order,
            "cooperation_label": variant.cooperation_label,
            "observation": number,
            "raw": "C" if cooperated else "D",
            "action": "cooperate" if cooperated else "defect",
            "outcome": "read",
            "rule": "letter",
            "engine": "none",
        }


def finish(folder: Path) -> None:
    """Write the shards, let all other outputs be there, empty, and Snakemake take all for finished.

    Snakemake's own --touch takes an hour.
    """
    os.chdir(folder)
    for make in (touch_outputs, remember):
        with SnakemakeApi(OutputSettings(quiet={Quietness.RULES, Quietness.PROGRESS}, dryrun=True)) as api:
            workflow = api.workflow(
                ResourceSettings(cores=2), ConfigSettings(configfiles=[Path(CONFIG)]), snakefile=Path("Snakefile")
            )
            workflow.dag(DAGSettings()).execute_workflow("dryrun")
            for level in workflow._workflow.dag.toposorted():
                for job in level:
                    make(workflow._workflow, job)


def touch_outputs(workflow: Workflow, job: Job) -> None:
    """Make sure that the outputs of a job are there, and newer than its inputs."""
    if job.rule.name in SHARD_RULES:
        write_shard_of(job)
    for output in job.output:
        folder = Path(output) if output.is_directory else Path(output).parent
        folder.mkdir(parents=True, exist_ok=True)
        Path(output).touch()


def remember(workflow: Workflow, job: Job) -> None:
    """Let Snakemake know what a job was made with."""
    workflow.async_run(workflow.persistence.finished(job))


def snakemake(*arguments: str) -> list[str]:
    """Snakemake's command line for the study."""
    return [sys.executable, "-m", "snakemake", *arguments, "--cores", "2", "--configfile", CONFIG]


def environment() -> dict[str, str]:
    """This process's environment, less what ties a run to one around it."""
    return {name: value for name, value in os.environ.items() if name != "TOM_TRANSFER_RUN"}


def measured(command: list[str], folder: Path) -> tuple[float, float, float]:
    """Run a command to its end: (wall seconds, CPU seconds, peak memory in GiB of its largest process)."""
    started = time.perf_counter()
    log = folder / LOG
    with (
        log.open("a") as said,
        subprocess.Popen(command, cwd=folder, env=environment(), stdout=said, stderr=said) as child,
    ):
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"exit status {child.returncode}: {log}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 2**20


def say(what: str, figures: tuple[float, float, float]) -> None:
    """One line of figures."""
    print("{}: {:.1f} s, {:.1f} CPU-s, {:.2f} GiB".format(what, *figures), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where to make the study; must not be there yet")
    parser.add_argument("--seeds", type=int, default=23, help="tuned students")
    parser.add_argument("--games", type=int, default=20, help="in each context")
    parser.add_argument("--contexts", type=int, default=20, help="in which each game is played")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    cells = make_study(folder, arguments.seeds, arguments.games, arguments.contexts)
    shards = (arguments.seeds + 2) * len(cells)
    say(f"dry run of {shards} shards", measured(snakemake("--dry-run", "--quiet", "all"), folder))
    say("snakemake plan", measured(snakemake("plan"), folder))
    # In a process of its own, since Snakemake changes the one that it runs in.
    child = multiprocessing.Process(target=finish, args=(folder,))
    child.start()
    child.join()
    if child.exitcode:
        sys.exit("the study could not be finished")
    say("run with nothing to do", measured(snakemake("--quiet", "all"), folder))


if __name__ == "__main__":
    main()
