"""Print what a run would do, why, and what it is expected to take; keep the plan for comparing it with the run.

Asks Snakemake for its own graph of jobs. Nothing is run and no model is loaded.

python workflow/scripts/plan_run.py --target all --snakefile Snakefile --config '{}' --observations 300 \
    --groups '{}' --shards-per-load 0 --here --cores 2 --at-a-time '{"gpu": 1}' \
    --taught 20 4 --steps-per-epoch 8 --epochs 4 --learning-rate 0.001 \
    --gradients-mb 0 --benchmarks results/benchmarks --output results/plan.parquet
"""

import argparse
import json
from pathlib import Path

from tom.core.errors import run_main
from tom.core.files import atomic_file, log_written
from tom.planning.clock import Machine, clock_line
from tom.planning.endpoint_forecast import endpoint_lines, game_usage, missing_key
from tom.planning.forecast import Sharing, forecast
from tom.planning.gpus_here import missing_gpus
from tom.planning.plan_lines import budget_line, due_jobs, plan_lines
from tom.planning.planned_jobs import planned_jobs
from tom.training.batching import describe_steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", required=True, help="a target, a rule or a file")
    parser.add_argument("--rule-prefix", default="", help="before the names of the rules of a module; left out")
    parser.add_argument("--snakefile", type=Path, required=True)
    parser.add_argument("--configfiles", type=Path, nargs="*", default=[], help="as given to Snakemake")
    parser.add_argument("--config", type=json.loads, required=True, help="what overrides them, JSON")
    parser.add_argument("--observations", type=int, required=True, help="of a game in a shard")
    parser.add_argument("--groups", type=json.loads, required=True, help="rule → [group, its most jobs], JSON")
    parser.add_argument("--shards-per-load", type=int, required=True, help="outside of groups; 0 for all of a model")
    parser.add_argument("--here", action="store_true", help="the run would be on this machine, and not on a cluster")
    parser.add_argument("--cores", type=int, help="of this machine; only with --here")
    parser.add_argument("--at-a-time", type=json.loads, default={}, help="resource → its most on this machine, JSON")
    parser.add_argument("--taught", type=int, nargs=2, help="cells and games of a training, if a teacher is asked")
    parser.add_argument("--steps-per-epoch", type=int, required=True, help="of a training")
    parser.add_argument("--epochs", type=int, required=True, help="of a training")
    parser.add_argument("--learning-rate", type=float, required=True, help="of a training, at its peak")
    parser.add_argument("--gradients-mb", type=int, required=True, help="of its Gauss-Newton steps; 0 without any")
    parser.add_argument("--benchmarks", type=Path, required=True, help="folder of all benchmark files")
    parser.add_argument("--endpoint", type=json.loads, help="how a game is asked by folder, and prices, JSON")
    parser.add_argument("--usage", type=Path, help="folder of what an endpoint's finished cells took")
    parser.add_argument("--key-variable", default="", help="environment variable of the endpoint's key")
    parser.add_argument("--output", type=Path, required=True, help="Parquet")
    arguments = parser.parse_args()

    jobs = planned_jobs(
        arguments.target,
        arguments.snakefile,
        arguments.configfiles,
        arguments.config,
        arguments.benchmarks,
        arguments.rule_prefix,
    )
    plan = forecast(jobs, Sharing(arguments.groups, arguments.shards_per_load), arguments.observations)
    if due_jobs(plan).is_empty():
        print(*plan_lines(plan, arguments.target, "", 0), sep="\n")
        # The plan of the run that made all this stays, for plan_review.
        return
    with atomic_file(arguments.output) as temporary:
        plan.write_parquet(temporary, compression="zstd", statistics=False)
    steps = describe_steps(arguments.steps_per_epoch, arguments.epochs, arguments.learning_rate)
    asked = []
    if arguments.endpoint:
        games = {asking: game_usage(**numbers) for asking, numbers in arguments.endpoint["games"].items()}
        scored = {asking: numbers["scored"] for asking, numbers in arguments.endpoint["games"].items()}
        prices, at_a_time = tuple(arguments.endpoint["prices"]), arguments.endpoint["at_a_time"]
        asked = endpoint_lines(plan, games, scored, arguments.usage, prices, at_a_time)
    refused = missing_gpus(plan) if arguments.here else ""
    # Of a run that can't begin here there is nothing to say.
    machine = Machine(arguments.cores, arguments.at_a_time) if arguments.here and not refused else None
    lines = plan_lines(
        plan,
        arguments.target,
        steps,
        arguments.gradients_mb,
        taught=budget_line(arguments.observations, *arguments.taught) if arguments.taught else "",
        asked=asked,
        refused=refused,
        key=missing_key(plan, arguments.key_variable),
        clock=clock_line(jobs, plan, machine) if machine else "",
    )
    print("\n".join(lines))
    log_written(arguments.output, f"{plan.height} jobs")


if __name__ == "__main__":
    run_main(main)
