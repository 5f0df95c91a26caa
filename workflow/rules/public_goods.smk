"""Public goods: the same models asked how much they give, and compared by means and whole distributions.

Part of the out-of-sample stage. Nothing of it is taught; the splits are those of the config whose games are of the kind
`contribution`.
in: the adapters, the base student, the teacher's contributions (published counts, or the model)
out: contributions/shards/{model}/{game}/{context}.parquet, tables/{split}/contribution_*.{parquet,csv,tex},
figures/contributions-{split}.*
"""

from tom.asking.game_kinds import CONTEXTS
from tom.engines.recorded_contributions import read_contribution_counts
from tom.study import CONTRIBUTION_ELICITATION

CONTRIBUTION_SHARD = f"{RESULTS}/{CONTRIBUTIONS}/shards/{{model}}/{{game}}/{{context}}.parquet"
GROUP_CONTEXTS = RESOURCES / CONTEXTS[CONTRIBUTION_GAMES]


def group_context_file(wildcards):
    return GROUP_CONTEXTS / f"{wildcards.context}.yaml"


CONTRIBUTION_TEXTS = {
    "game": game_file,
    "context": group_context_file,
    "elicitation": RESOURCES / CONTRIBUTION_ELICITATION,
}
SAMPLE_CONTRIBUTIONS = python("sample_contributions.py", "serve_engine.py")
# Free replies are asked for where a model can't be scored: at an endpoint alone, so that top_p is no part of these.
CONTRIBUTION_SAMPLING = f"{flags(config, 'observations')} {flags(config['sampling'], 'seed', 'temperature', 'threads')}"


if config["teacher"]["engine"] == "recorded":
    GIVEN = (
        read_contribution_counts(config["teacher"]["recorded"]["contributions"], config["teacher"]["recorded"]["model"])
        if CONTRIBUTION_SPLITS
        else {}
    )

    def given_counts(wildcards):
        counts = GIVEN[wildcards.game, wildcards.context]
        return f"--contributions {' '.join(map(str, counts))} --counts {' '.join(map(str, counts.values()))}"

    use rule replay_teacher as replay_contributions with:
        output:
            f"{RESULTS}/{CONTRIBUTIONS}/shards/teacher/{{game}}/{{context}}.parquet",
        params:
            python=python("replay_contributions.py"),
            counts=given_counts,
            elicitation=Path(CONTRIBUTION_ELICITATION).stem,

elif config["teacher"]["engine"] == "openai":

    use rule sample_endpoint as sample_endpoint_contributions with:
        input:
            **CONTRIBUTION_TEXTS,
        output:
            shard=f"{RESULTS}/{CONTRIBUTIONS}/shards/teacher/{{game}}/{{context}}.parquet",
            usage=f"{RESULTS}/{CONTRIBUTIONS}/usage/{{game}}/{{context}}.json",
        params:
            python=python("sample_endpoint_contributions.py"),
            sampling=f"{flags(config, 'observations')} {flags(config['sampling'], 'seed', 'temperature', 'top_p')}",


use rule sample_untuned as sample_untuned_contributions with:
    input:
        unpack(untuned_inputs),
        **CONTRIBUTION_TEXTS,
    output:
        CONTRIBUTION_SHARD,
    params:
        python=SAMPLE_CONTRIBUTIONS,
        sampling=CONTRIBUTION_SAMPLING,


use rule sample_tuned as sample_tuned_contributions with:
    input:
        **adapted(ADAPTER),
        **CONTRIBUTION_TEXTS,
    output:
        f"{RESULTS}/{CONTRIBUTIONS}/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    params:
        python=SAMPLE_CONTRIBUTIONS,
        sampling=CONTRIBUTION_SAMPLING,


def contribution_games(wildcards):
    return game_files(wildcards.split)


rule evaluate_contributions:
    input:
        shards=split_shards,
        games=contribution_games,
        published=RESOURCES / "paper" / "observed_contributions.csv",
    output:
        **in_all_formats(f"{RESULTS}/tables/{{split}}", CONTRIBUTION_TABLES),
    log:
        f"{RESULTS}/logs/evaluate/{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{split}}.tsv"
    wildcard_constraints:
        split="|".join(CONTRIBUTION_SPLITS) or "none",
    params:
        evaluation=flags(config["evaluation"]),
    shell:
        python("evaluate_contributions.py")
        + " --split {wildcards.split} --shards {input.shards} --game-files {input.games}"
        " --published {input.published} {params.evaluation} " + table_flags(CONTRIBUTION_TABLES) + " 2>&1 | tee {log}"


rule plot_contributions:
    input:
        distributions=f"{RESULTS}/tables/{{split}}/contribution_distributions.parquet",
        published=RESOURCES / "paper" / "observed_contributions.csv",
    output:
        **figure_files("contributions-{split}", category="Contributions", labels={"split": "{split}"}),
    log:
        f"{RESULTS}/logs/figures/contributions-{{split}}.log",
    shell:
        python("plot_contributions.py") + " --distributions {input.distributions} --published {input.published}"
        " --output {output} > {log} 2>&1"
