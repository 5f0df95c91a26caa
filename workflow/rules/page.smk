"""The page: a run as one HTML file that asks no network. Not part of `all`.

in: the tables, figures and summary of a run; manifests, prompts' texts, benchmark files and logs
out: report.html; tables/{split}/rates.{parquet,csv,tex} and replies.parquet; figures/{paper,paper_order}-{split}.*
"""

import hashlib
import json

from tom.prompts.variants import PAPER_VARIANT
from tom.page.study_results import made_files
from tom.paper.published_choices import SPLITS as PAPER_SPLITS

PAGE = ROOT / "workflow" / "report" / "page"
ALL_SPLITS = in_sample_first(SPLITS)
# Where students alone answer there is nothing to compare, and there are propensities, rates and replies.
ANSWERED = in_sample_first(CHOICE_SPLITS)
COMPARED = [split for split in ALL_SPLITS if split in PAPER_SPLITS and PAPER_VARIANT.order in config["option_orders"]]
PAGE_FIGURES = [
    *(f"propensities-{split}" for split in ANSWERED),
    *(f"{whose}-{split}" for split in COMPARED for whose in ("paper", "paper_order")),
    *(f"numbers-{split}" for split in sorted(NUMBER_SPLITS)),
    "agreement",
    "gap_closed",
    *TRAINING_FIGURES,
]
LOCAL_MODELS = [role for role in ("teacher", "student") if config[role]["engine"] in ("transformers", "vllm")]


def page_texts():
    """What prompts are written from, and counts that a recorded teacher replays."""
    texts = {prompt_format_file(), *(file for split in ANSWERED for file in game_files(split) + context_files(split))}
    for split in NUMBER_SPLITS:
        texts |= set(game_files(split))
        for game, context in cells_of(config["splits"][split]):
            question, contexts = number_texts(game)
            texts |= {question, contexts / f"{context}.yaml"}
    recorded = ["counts", *(["contributions"] if GIVEN_NUMBERS else [])]
    recorded = recorded if config["teacher"]["engine"] == "recorded" else []
    return sorted(map(str, texts)) + [config["teacher"]["recorded"][name] for name in recorded]


rule tabulate_replies:
    input:
        shards=split_shards,
    output:
        **in_all_formats(f"{RESULTS}/tables/{{split}}", ("rates",)),
        replies=f"{RESULTS}/tables/{{split}}/replies.parquet",
    log:
        f"{RESULTS}/logs/evaluate/replies-{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/replies-{{split}}.tsv"
    wildcard_constraints:
        split="|".join(ANSWERED),
    params:
        **packed_params("shards"),
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("tabulate_replies.py") + " --split {wildcards.split} --shards {params.shards} {params.confidence}"
        " --rates {output.rates} --replies {output.replies} 2>&1 | tee {log}"


use rule plot_propensities as plot_paper_order with:
    output:
        **figure_files(
            "paper_order-{split}", category="Beside the paper", labels={"split": "{split}", "of": "this run"}
        ),
    log:
        f"{RESULTS}/logs/figures/paper_order-{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/paper_order-{{split}}.tsv"
    params:
        view="--view fixed",


rule plot_paper:
    input:
        published=RESOURCES / "paper" / "observed_choices.csv",
    output:
        **figure_files("paper-{split}", category="Beside the paper", labels={"split": "{split}", "of": "the paper"}),
    log:
        f"{RESULTS}/logs/figures/paper-{{split}}.log",
    wildcard_constraints:
        split="|".join(PAPER_SPLITS),
    params:
        confidence=flags(config["evaluation"], "confidence"),
    shell:
        python("plot_paper.py") + " --published {input.published} --split {wildcards.split} {params.confidence}"
        " --output {output} > {log} 2>&1"


def made_of_further_targets(wildcards):
    """What other targets have made: a parameter and no input, so that a page follows it and makes none of it."""
    made = made_files(Path(RESULTS), ALL_SPLITS)
    return " ".join(f"{file} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in made)


rule build_page:
    input:
        **{name: table(ANSWERED if name == "propensities" else ALL_SPLITS, name) for name in TABLES},
        **{name: SENSITIVITIES[name] for name in SENSITIVITY_TABLES},
        **{name: number_table(name) for name in NUMBER_TABLES},
        games=GAME_TABLES["games"],
        number_games=[NUMBER_GAMES_TABLES["number_games"]] if NUMBER_SPLITS else [],
        rates=expand(f"{RESULTS}/tables/{{split}}/rates.parquet", split=ANSWERED),
        replies=expand(f"{RESULTS}/tables/{{split}}/replies.parquet", split=ANSWERED),
        stated=rules.recompute_paper.output.figures,
        usage=[USAGE_TABLE] if config["teacher"]["engine"] == "openai" else [],
        summary=rules.summarise_run.output,
        figures=[f"{RESULTS}/figures/{name}.svg" for name in PAGE_FIGURES],
        template=[PAGE / "page.html.jinja", PAGE / "page.css", PAGE / "page.js"],
        captions=[ROOT / "workflow" / "report" / f"{name.partition('-')[0]}.rst" for name in PAGE_FIGURES],
        columns=ROOT / "workflow" / "schemas" / "tables.yaml",
        published=RESOURCES / "paper" / "observed_choices.csv",
        texts=page_texts(),
        manifests=[
            *(f"{RESULTS}/models/{role}/fetched/manifest.json" for role in LOCAL_MODELS),
            *(prepared(role)["manifest"] for role in LOCAL_MODELS),
            *ADAPTER_MANIFESTS,
        ],
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/page.log",
    benchmark:
        f"{RESULTS}/benchmarks/page.tsv"
    params:
        # By a function, since braces in a parameter that is a string would be taken for wildcards.
        config=lambda wildcards: json.dumps(config, sort_keys=True),
        usage=lambda wildcards, input: f"--usage {input.usage}" if input.usage else "",
        made=made_of_further_targets,
        run=same_run,
        splits=ALL_SPLITS,
        captions=ROOT / "workflow" / "report",
        template=PAGE,
        project=ROOT,
    shell:
        "OUTDATED=$("
        + python("list_outdated.py")
        + " --results {RESULTS} --splits {params.splits} --snakefile {workflow.main_snakefile:q} {params.run} 2> {log}) && "
        + python("build_page.py")
        + " "
        + " ".join(
            f"--{name.replace('_', '-')} {{input.{name}}}" for name in (*TABLES, *SENSITIVITY_TABLES, *NUMBER_TABLES)
        )
        + " --games {input.games} --number-games {input.number_games}"
        " --rates {input.rates} --replies {input.replies} --stated {input.stated} {params.usage} --summary {input.summary}"
        " --figures {input.figures} --captions {params.captions} --published {input.published}"
        " --manifests {input.manifests} --texts {input.texts}"
        " --results {RESULTS} --outdated $OUTDATED --columns {input.columns} --template {params.template}"
        " --project {params.project} --config {params.config:q} --output {output} >> {log} 2>&1"


rule report:
    input:
        rules.build_page.output,
