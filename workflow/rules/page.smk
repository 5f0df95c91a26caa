"""The page: an experiment as one HTML file that asks no network. Not part of `all`.

in: the tables, figures and summary; manifests, prompts' texts, benchmark files and logs; what studies have made
out: report.html; tables/{split}/rates.* and replies.parquet; figures/paper_order-{split}.*
"""

import hashlib

from tom.core.snakemake_internals import jobs_to_run, start_after
from tom.prompts.variants import PAPER_VARIANT

PAGE = ROOT / "workflow" / "report" / "page"
ALL_SPLITS = in_sample_first(SPLITS)
# Where only students answer there is nothing to compare, and there are propensities, rates and replies.
ANSWERED = in_sample_first(CHOICE_SPLITS)
COMPARED_WITH_PAPER = [
    split for split in ALL_SPLITS if split in PAPER_SPLITS and PAPER_VARIANT.order in config["option_orders"]
]
PAGE_FIGURES = [
    *(SPLIT_FIGURES[split] for split in in_sample_first(SPLIT_FIGURES)),
    *(f"{whose}-{split}" for split in COMPARED_WITH_PAPER for whose in ("paper", "paper_order")),
    "agreement",
    "gap_closed",
    *ORDER_FIGURES,
    *TRAINING_FIGURES,
]


def page_texts(wildcards):
    """What prompts are written from, and counts that a recorded teacher replays."""
    texts = {
        str(file)
        for split in config["splits"].values()
        for game, context in cells_of(split)
        for file in STORE.texts(game, context, STORE.asking("base", game)).values()
    }
    recorded = config["teacher"].get("recorded", {}) if config["teacher"]["engine"] == "recorded" else {}
    given = [recorded[name] for name in ("counts", "contributions") if name in recorded]
    return sorted(texts) + given + ([recorded["replies"]["file"]] if "replies" in recorded else [])


rule tabulate_replies:
    input:
        shards=split_shards,
    output:
        **split_tables("{split}", ["rates"]),
        replies=f"{EXPERIMENT}/tables/{{split}}/replies.parquet",
    log:
        f"{OWN_LOGS}/evaluate/replies-{{split}}.log",
    benchmark:
        f"{OWN_BENCHMARKS}/evaluate/replies-{{split}}.tsv"
    wildcard_constraints:
        split="|".join(ANSWERED),
    params:
        **packed_params("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_replies.py") + " --split {wildcards.split} --shards {params.shards} {params.confidence}"
        " --rates {output.rates:q} --replies {output.replies:q} 2>&1 | tee {log:q}"


use rule plot_propensities as plot_paper_order with:
    output:
        **figure_files(
            "paper_order-{split}", category="Beside the paper", labels={"split": "{split}", "of": "this run"}
        ),
    log:
        f"{OWN_LOGS}/figures/paper_order-{{split}}.log",
    benchmark:
        f"{OWN_BENCHMARKS}/figures/paper_order-{{split}}.tsv"
    params:
        view="--view fixed",


def shown_of_studies():
    """The files of all studies that a page may show."""
    return list(dict.fromkeys(Path(EXPERIMENT) / file for study in STUDIES for file in study.files(ALL_SPLITS)))


def study_files_made(wildcards):
    """What studies have made: a parameter and no input, so that a page follows it and makes none of it."""
    return " ".join(
        f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in shown_of_studies() if file.exists()
    )


def build_page_last():
    """Let a page wait for what this run makes of studies, or it would be without it."""
    jobs, files = jobs_to_run(workflow), set(map(str, shown_of_studies()))
    pages = [job for job in jobs if job.rule.name == called("build_page")]
    start_after(workflow, pages, [job for job in jobs if pages and files & set(map(str, job.output))])


def timed_jobs(wildcards):
    """The jobs whose durations the page shows: a stage, the GPUs of each job, and the names of their benchmark files."""

    def job(stage, role, files):
        gpus = config[role].get("gpus", 0) if role else 0
        return shlex.join(["--jobs", stage, str(gpus), *files])

    words = []
    for role in LOCAL_MODELS:
        source = STORE.source_key(role)
        words.append(job("fetch", None, [f"fetch_model/{source}"]))
        words.append(job("convert", role, [f"convert_model/{source}-{STORE.precision_folder(role)}"]))
    for model in ["teacher", "base", *TUNED]:
        asked = [
            file.removesuffix(".parquet").replace(f"{RESULTS}/shards/", "sample/", 1)
            for split in config["splits"]
            if model in models_of(split)
            for file in shards(split, [model])
        ]
        words.append(
            job(f"sample {model}", "teacher" if model == "teacher" else "student", pack_paths(dict.fromkeys(asked)))
        )
    if STUDENT.training is not None:
        words.append(job("train", "student", [f"train/{STUDENT.key}-seed{seed}" for seed in SEEDS]))
    words.append(
        job(
            "evaluate",
            None,
            [f"{config['experiment']}/evaluate/{split}" for split in in_sample_first(config["splits"])],
        )
    )
    return " ".join(words)


rule build_page:
    input:
        **{name: table(ANSWERED if name == "propensities" else ALL_SPLITS, name) for name in COMPARED_TABLES},
        **{name: rules.measure_sensitivities.output[name] for name in SENSITIVITY_TABLES},
        **{name: table(NUMBER_SPLITS, name) for name in NUMBER_TABLES},
        games=rules.tabulate_games.output.games,
        number_games=rules.tabulate_number_games.output.number_games if NUMBER_SPLITS else [],
        rates=table(ANSWERED, "rates"),
        replies=table(ANSWERED, "replies"),
        stated=rules.recompute_paper.output.figures,
        usage=USAGE_TABLE,
        summary=rules.summarise_run.output.summary,
        figures=[f"{EXPERIMENT}/figures/{name}.svg" for name in PAGE_FIGURES],
        template=[PAGE / "page.html.jinja", PAGE / "page.css", PAGE / "page.js"],
        captions=sorted(
            {
                ROOT / "workflow" / "report" / f"{name.partition('-')[0]}.rst"
                for name in [*PAGE_FIGURES, "workflow"]
                if not name.startswith("paper")  # their text stands above them
            }
        ),
        columns=ROOT / "workflow" / "schemas" / "tables.yaml",
        published=PUBLISHED,
        texts=page_texts,
        manifests=[
            *(f"{RESULTS}/models/{STORE.source_key(role)}/fetched/manifest.json" for role in LOCAL_MODELS),
            *(prepared(role)["manifest"] for role in LOCAL_MODELS),
            *expand(f"{STUDENT.folder}/seed{{seed}}/manifest.json", seed=SEEDS),
        ],
    output:
        f"{EXPERIMENT}/report.html",
    log:
        f"{OWN_LOGS}/page.log",
    benchmark:
        f"{OWN_BENCHMARKS}/page.tsv"
    params:
        # By a function, since braces in a parameter that is a string would be taken for wildcards.
        config=lambda wildcards: json.dumps(config, sort_keys=True),
        usage=lambda wildcards, input: shlex.join(["--usage", str(input.usage)]) if input.usage else "",
        made=study_files_made,
        jobs=timed_jobs,
        run=same_run,
        snakefile=untracked(workflow.main_snakefile),
        experiment=EXPERIMENT,
        benchmarks=BENCHMARKS,
        logs=LOGS,
        splits=ALL_SPLITS,
        captions=ROOT / "workflow" / "report",
        template=PAGE,
        project=ROOT,
    shell:
        "OUTDATED=$("
        + python("list_outdated.py")
        + " --experiment {params.experiment:q} --splits {params.splits} --snakefile {params.snakefile:q} {params.run} 2> {log:q}) && "
        + python("build_page.py")
        + " "
        + " ".join(
            f"--{name.replace('_', '-')} {{input.{name}:q}}"
            for name in (*COMPARED_TABLES, *SENSITIVITY_TABLES, *NUMBER_TABLES)
        )
        + " --games {input.games:q} --number-games {input.number_games:q}"
        " --rates {input.rates:q} --replies {input.replies:q} --stated {input.stated:q} {params.usage} --summary {input.summary:q}"
        " --figures {input.figures:q} --captions {params.captions:q} --published {input.published:q}"
        " --manifests {input.manifests:q} --texts {input.texts:q}"
        ' --experiment {params.experiment:q} --benchmarks {params.benchmarks:q} --logs {params.logs:q} {params.jobs} --outdated "$OUTDATED"'
        " --columns {input.columns:q} --template {params.template:q} --project {params.project:q} --config {params.config:q}"
        " --output {output:q} >> {log:q} 2>&1"
