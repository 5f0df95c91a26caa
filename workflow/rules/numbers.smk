"""Games in which a number is named, public goods among them: compared by means and whole distributions.

Part of the out-of-sample stage. Nothing of it is taught; the splits are those of the config whose games are of the kind
`number`.
in: the adapters, the base student, the teacher (published contributions, or the model) if it answers there
out: numbers/shards/{model}/{game}/{context}.parquet, tables/{split}/number_*.{parquet,csv,tex},
tables/number_games.{parquet,csv,tex}, figures/numbers-{split}.*
"""

from tom.sampling.recorded_contributions import read_contribution_counts
from tom.config.study import context_folder, question_file

NUMBER_SHARD = f"{RESULTS}/{NUMBER_STAGE}/shards/{{model}}/{{game}}/{{context}}.parquet"


@cache
def number_texts(game):
    """The question's file and the folder of contexts: read once for each game, however many cells it has."""
    return question_file(game, RESOURCES), context_folder(game, RESOURCES)


def number_question(wildcards):
    question, _ = number_texts(wildcards.game)
    return question


def number_context(wildcards):
    _, contexts = number_texts(wildcards.game)
    return contexts / f"{wildcards.context}.yaml"


NUMBER_TEXTS = {
    "game": game_file,
    "context": number_context,
    "prompt_format": number_question,
}
# Splits in which the teacher answers.
GIVEN_NUMBERS = [name for name, split in NUMBER_SPLITS.items() if answered_by_teacher(split, config["teacher"])]
SAMPLE_NUMBERS = python("sample_numbers.py", "serve_engine.py")
# Free replies are asked for where a model can't be scored: at an endpoint alone, so that top_p is no part of these.
NUMBER_SAMPLING = f"{flags(config, 'observations')} {flags(config['sampling'], 'seed', 'temperature', 'threads')}"


if config["teacher"]["engine"] == "recorded":
    GIVEN = (
        read_contribution_counts(config["teacher"]["recorded"]["contributions"], config["teacher"]["recorded"]["model"])
        if GIVEN_NUMBERS
        else {}
    )

    def given_counts(wildcards):
        counts = GIVEN[wildcards.game, wildcards.context]
        return f"--contributions {' '.join(map(str, counts))} --counts {' '.join(map(str, counts.values()))}"

    use rule replay_teacher as replay_contributions with:
        output:
            f"{RESULTS}/{NUMBER_STAGE}/shards/teacher/{{game}}/{{context}}.parquet",
        params:
            python=python("replay_contributions.py"),
            counts=given_counts,
            prompt_format=lambda wildcards: number_question(wildcards).stem,

elif config["teacher"]["engine"] == "openai":

    use rule sample_endpoint as sample_endpoint_numbers with:
        input:
            **NUMBER_TEXTS,
        output:
            shard=f"{RESULTS}/{NUMBER_STAGE}/shards/teacher/{{game}}/{{context}}.parquet",
            usage=f"{RESULTS}/{NUMBER_STAGE}/usage/{{game}}/{{context}}.json",
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
        f"{RESULTS}/{NUMBER_STAGE}/shards/tuned-seed{{seed}}/{{game}}/{{context}}.parquet",
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
        **packed_params("shards"),
        evaluation=flags(config["evaluation"]),
    shell:
        python("evaluate_numbers.py")
        + " --split {wildcards.split} --shards {params.shards} --game-files {input.games}"
        " --published {input.published} {params.evaluation} " + table_flags(NUMBER_TABLES) + " 2>&1 | tee {log}"


rule tabulate_number_games:
    input:
        games=sorted({file for split in NUMBER_SPLITS for file in game_files(split)}),
        means=number_table("number_means"),
    output:
        **NUMBER_GAMES_TABLES,
    log:
        f"{RESULTS}/logs/evaluate/number_games.log",
    shell:
        python("tabulate_number_games.py") + " --game-files {input.games} --number-means {input.means}"
        " --output {output.number_games} 2>&1 | tee {log}"


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
