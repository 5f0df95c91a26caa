"""Games in which a number is named, public goods among them: compared by means and whole distributions.

Part of the out-of-sample stage. Nothing of it is taught; the splits are those of the config whose games are of the kind
`number`.
in: the adapters, the base student, the teacher's contributions (published counts, or the model)
out: numbers/shards/{model}/{game}/{context}.parquet, tables/{split}/number_*.{parquet,csv,tex},
figures/numbers-{split}.*
"""

from tom.asking.game_kinds import CONTEXTS
from tom.engines.recorded_contributions import read_contribution_counts
from tom.study import QUESTION

NUMBER_SHARD = f"{RESULTS}/{NUMBERS}/shards/{{model}}/{{game}}/{{context}}.parquet"
GROUP_CONTEXTS = RESOURCES / CONTEXTS[NUMBER_GAMES]


def group_context_file(wildcards):
    return GROUP_CONTEXTS / f"{wildcards.context}.yaml"


NUMBER_TEXTS = {
    "game": game_file,
    "context": group_context_file,
    "elicitation": RESOURCES / QUESTION,
}
SAMPLE_NUMBERS = python("sample_numbers.py", "serve_engine.py")
# Free replies are asked for where a model can't be scored: at an endpoint alone, so that top_p is no part of these.
NUMBER_SAMPLING = f"{flags(config, 'observations')} {flags(config['sampling'], 'seed', 'temperature', 'threads')}"


if config["teacher"]["engine"] == "recorded":
    GIVEN = (
        read_contribution_counts(config["teacher"]["recorded"]["contributions"], config["teacher"]["recorded"]["model"])
        if NUMBER_SPLITS
        else {}
    )

    def given_counts(wildcards):
        counts = GIVEN[wildcards.game, wildcards.context]
        return f"--contributions {' '.join(map(str, counts))} --counts {' '.join(map(str, counts.values()))}"

    use rule replay_teacher as replay_contributions with:
        output:
            f"{RESULTS}/{NUMBERS}/shards/teacher/{{game}}/{{context}}.parquet",
        params:
            python=python("replay_contributions.py"),
            counts=given_counts,
            elicitation=Path(QUESTION).stem,

elif config["teacher"]["engine"] == "openai":

    use rule sample_endpoint as sample_endpoint_numbers with:
        input:
            **NUMBER_TEXTS,
        output:
            shard=f"{RESULTS}/{NUMBERS}/shards/teacher/{{game}}/{{context}}.parquet",
            usage=f"{RESULTS}/{NUMBERS}/usage/{{game}}/{{context}}.json",
        params:
            python=python("sample_endpoint_numbers.py"),
            sampling=f"{flags(config, 'observations')} {flags(config['sampling'], 'seed', 'temperature', 'top_p')}",


use rule sample_untuned as sample_untuned_numbers with:
    input:
        unpack(untuned_inputs),
        **NUMBER_TEXTS,
    output:
        NUMBER_SHARD,
    params:
        python=SAMPLE_NUMBERS,
        sampling=NUMBER_SAMPLING,


use rule sample_tuned as sample_tuned_numbers with:
    input:
        **adapted(ADAPTER),
        **NUMBER_TEXTS,
    output:
        f"{RESULTS}/{NUMBERS}/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
    params:
        python=SAMPLE_NUMBERS,
        sampling=NUMBER_SAMPLING,


def number_games(wildcards):
    return game_files(wildcards.split)


rule evaluate_numbers:
    input:
        shards=split_shards,
        games=number_games,
        published=RESOURCES / "paper" / "observed_contributions.csv",
    output:
        **in_all_formats(f"{RESULTS}/tables/{{split}}", NUMBER_TABLES),
    log:
        f"{RESULTS}/logs/evaluate/{{split}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{split}}.tsv"
    wildcard_constraints:
        split="|".join(NUMBER_SPLITS) or "none",
    params:
        evaluation=flags(config["evaluation"]),
    shell:
        python("evaluate_numbers.py") + " --split {wildcards.split} --shards {input.shards} --game-files {input.games}"
        " --published {input.published} {params.evaluation} " + table_flags(NUMBER_TABLES) + " 2>&1 | tee {log}"


rule plot_numbers:
    input:
        distributions=f"{RESULTS}/tables/{{split}}/number_distributions.parquet",
        published=RESOURCES / "paper" / "observed_contributions.csv",
    output:
        **figure_files("numbers-{split}", category="Numbers", labels={"split": "{split}"}),
    log:
        f"{RESULTS}/logs/figures/numbers-{{split}}.log",
    shell:
        python("plot_numbers.py") + " --distributions {input.distributions} --published {input.published}"
        " --output {output} > {log} 2>&1"
