"""The plan: what a run would do, why, and what it is expected to take; and, after the run, what it took.

Neither runs a job of the study or loads a model. No part of `all`, and made anew whenever it is asked for.
in: Snakemake's own graph of jobs, benchmark files of earlier ones
out: plan.parquet, which no rule declares; the tables that are printed are the logs as well
"""

from tom.config.study import member_cells
from tom.core.yaml_files import read_document
from tom.planning.planned_jobs import TURNS
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.prompts import CHOICE_LAST
from tom.prompts.variants import PAPER_VARIANT
from tom.training.batching import steps_per_epoch
from tom.training.recipe import PROMPTS, TARGETS

PLAN = f"{EXPERIMENT}/plan.parquet"


def check_target(wildcards):
    """No input. Errors: Refusal if what is to be planned is neither a rule nor a path."""
    target = config.get("plan", called("all"))
    if "/" not in target and target not in {rule.name for rule in workflow.rules}:
        raise refusal(UserError(f"{CONFIG_NAMES}: plan: {no_such_target(target)}"))
    return []


def shared_loads(wildcards):
    """How shards share loads of their model: in groups on a cluster, else with all that follow on one machine."""
    if not workflow.non_local_exec:
        return f"{this_machine()} --groups {shlex.quote('{}')} --shards-per-load {0 if config['sampling']['idle_seconds'] else 1}"
    settings = workflow.group_settings
    groups = settings.overwrite_groups.items()
    sizes = {name: (group, settings.group_components.get(group, 1)) for name, group in groups}
    return f"--groups {shlex.quote(json.dumps(sizes))} --shards-per-load 1"


def this_machine():
    """What a run here may use at a time: cores, and what jobs take turns on."""
    limits = {name: workflow.global_resources.get(name).value for name in TURNS}
    at_a_time = json.dumps({name: limit for name, limit in limits.items() if limit})
    return f"--here --cores {workflow.cores} --at-a-time {shlex.quote(at_a_time)}"


def planned_training():
    """The cells and games of a training, its steps, and the memory of its Gauss-Newton steps."""
    training, size = config["training"], training_size(config)
    whole = training["batch_of"] == PROMPTS or TARGETS[training["target"]].exact
    items = size.drawn if whole else size.replies
    per_epoch = steps_per_epoch(size.groups, items, training["batch_size"])
    cells = list(member_cells(cells_of(config["splits"][IN_SAMPLE])))
    # Recorded answers are bought already.
    asked = config["teacher"]["engine"] != "recorded"
    taught = f"--taught {len(cells)} {len({game for game, _ in cells})}" if asked else ""
    return f"{taught} --steps-per-epoch {per_epoch} {flags(training, 'epochs', 'learning_rate')} --gradients-mb {gauss_newton_mb(training)}"


def asked_endpoint(wildcards):
    """What a game takes of an endpoint in each way in which the teacher may be asked, and the prices of tokens."""
    if config["teacher"]["engine"] != "openai":
        return ""
    example = EXAMPLE[0]
    texts = STORE.texts(*EXAMPLE, STORE.asking("teacher", example))
    files = CellFiles(members(example)[0], texts["game"], texts["context"], texts["prompt_format"])
    characters = sum(len(message["content"]) for message in render_variants(files, [PAPER_VARIANT])[0])
    unscored = config["teacher"]["endpoint"].get("parameters", {}).get("logprobs", "") is None
    games = {}
    for key, asking in STORE.askings.items():
        if "observations" not in asking.sampling:  # another student's teacher, who was recorded
            continue
        number = asking.procedure == "numbers"
        folder = RESOURCES / ("numbers" if number else "prompt_formats")
        form = read_document(folder / f"{asking.prompt_format}.yaml", "prompt format")
        variants = len(asking.sampling.get("option_orders", [None]))
        games[key] = {
            "observations": asking.sampling["observations"],
            "variants": variants,
            # Each order with the letters as they are and exchanged; of numbers, and after a motivation, none.
            "scored": 0 if number or form["form"] == CHOICE_LAST or unscored else 2 * variants,
            "n_per_request": config["teacher"]["endpoint"]["n_per_request"],
            "max_tokens": form["max_tokens"],
            "prompt_characters": characters,
        }
    prices = config["teacher"]["endpoint"].get("prices", {})
    asked = {
        "games": games,
        "prices": [prices.get(kind) for kind in ("prompt", "completion")],
        "at_a_time": config["teacher"]["endpoint"]["concurrency"]
        * (workflow.global_resources.get("endpoint").value or 1),
    }
    key = f"--key-variable={config['teacher']['endpoint']['key_variable']}"
    return shlex.join(["--endpoint", json.dumps(asked), "--usage", f"{RESULTS}/usage", key])


def next_of_plan(planned):
    """What to do after a plan: run what was planned, or, where this machine would refuse it, what lets it begin, in words.
    Where nothing was left to do, no plan was written, and the page can be made.
    """
    if not Path(PLAN).exists() or Path(PLAN).stat().st_mtime < STARTED:
        return this_runs_command(called("report"))
    # polars is not imported before a plan needs it.
    from tom.planning.endpoint_forecast import missing_key
    from tom.planning.gpus_here import remedy
    from tom.planning.review import read_plan

    plan = read_plan(Path(PLAN))
    lacking = "" if workflow.non_local_exec else remedy(plan)
    lacking = lacking or missing_key(plan, config["teacher"].get("endpoint", {}).get("key_variable", ""))
    return lacking or this_runs_command(planned)


# Where Snakemake runs, since that is whose run is planned.
rule plan:
    """What a run would do, why, and what it is expected to take: --config plan=TARGET for another target than all."""
    input:
        check_target,
    log:
        f"{OWN_LOGS}/plan.log",
    localrule: True
    params:
        target=config.get("plan", called("all")),
        module=f"--rule-prefix {called('')}" if called("") else "",
        run=same_run,
        snakefile=untracked(workflow.main_snakefile),
        loads=shared_loads,
        observations=config["observations"],
        benchmarks=BENCHMARKS,
        training=planned_training(),
        endpoint=asked_endpoint,
        files=PLAN,
        next=config.get("plan", "all"),
    shell:
        python("plan_run.py")
        + " --target {params.target:q} {params.module} --snakefile {params.snakefile:q} {params.run} {params.loads}"
        " {params.training} {params.endpoint} --observations {params.observations} --benchmarks {params.benchmarks:q} --output {params.files:q} 2> {log:q} | tee -a {log:q}"


# Where Snakemake runs, since that is whose run is planned.
rule plan_review:
    """The last plan beside what then happened."""
    log:
        f"{OWN_LOGS}/plan_review.log",
    localrule: True
    params:
        plan=PLAN,
        next="report",
    shell:
        python("review_plan.py") + " --plan {params.plan:q} 2>&1 | tee {log:q}"
