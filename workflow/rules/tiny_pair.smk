"""The tiny pair: a teacher and a student small enough to train from scratch. Not part of `all`.

in: the published teacher's counts, and the texts of every prompt
out: tiny_pair/{teacher,student}/, each a model folder, and beside it how it came to be; resources/tiny_pair holds
copies, which config/tiny_pair.yaml runs on
"""

PUBLISHED = RESOURCES / "paper" / "observed_choices.csv"
PUBLISHED_CELLS = read_counts(PUBLISHED, "teacher")


rule train_tiny_model:
    input:
        counts=PUBLISHED,
        games=sorted({RESOURCES / "games" / f"{split_order(game)[0]}.yaml" for game, _ in PUBLISHED_CELLS}),
        contexts=sorted({RESOURCES / "contexts" / f"{context}.yaml" for _, context in PUBLISHED_CELLS}),
        prompt_formats=[
            RESOURCES / "prompt_formats" / f"{name}.yaml"
            for name in ("choice", "choice_then_motivation", "motivation_then_choice")
        ],
    output:
        weights=directory(f"{RESULTS}/tiny_pair/{{role}}"),
        provenance=f"{RESULTS}/tiny_pair/{{role}}.json",
    log:
        f"{RESULTS}/logs/tiny_pair/{{role}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tiny_pair/{{role}}.tsv"
    shell:
        TORCH
        + python("train_tiny_pair.py")
        + " --role {wildcards.role} --counts {input.counts} --game-files {input.games}"
        " --context-files {input.contexts} --prompt-format-files {input.prompt_formats} --seed 1"
        " --output {output.weights} --output-provenance {output.provenance} 2>&1 | tee {log}"


rule tiny_pair:
    input:
        expand(f"{RESULTS}/tiny_pair/{{role}}.json", role=["teacher", "student"]),
