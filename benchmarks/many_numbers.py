"""Every claim of the traveller's dilemma scored in one packed pass against one pass for each claim.

python benchmarks/many_numbers.py [--model FOLDER] [--claims 10]
"""

import argparse

from measure import ROOT, add_model_argument, model_folder, now, open_model, unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--claims", type=int, default=10, help="claims that are scored one by one")
    add_model_argument(parser)
    arguments = parser.parse_args()
    claims, folder = arguments.claims, model_folder(arguments.model)

    from tom.config.study import context_folder, game_file, question_file
    from tom.engines.interface import Question
    from tom.games.kinds import load_number_game
    from tom.prompts.contexts import load_context
    from tom.prompts.number_questions import load_question, render_question

    name, resources = "travellers_dilemma", ROOT / "resources"
    game = load_number_game(game_file(name, resources), name)
    context = load_context(context_folder(name, resources) / "neutral.yaml")
    messages = render_question(load_question(question_file(name, resources), game), game, context)
    options = tuple(map(str, game.choices()))
    engine = open_model(folder)

    def seconds_of(questions: list[Question]) -> float:
        """Mean seconds of a question, each asked by itself, after one that warms up."""
        engine.score(questions[:1])
        start = now()
        for question in questions:
            engine.score([question])
        return (now() - start) / len(questions)

    together = seconds_of([Question(messages, options, ends=True)] * 3)
    alone = seconds_of([Question(messages, (option,), ends=True) for option in options[:claims]])
    print(f"{len(options)} claims in one pass: {together:.2f} {unit()}")
    print(f"one claim in a pass of its own: {alone:.2f} {unit()}, mean of {claims}")
    print(f"ratio: {len(options) * alone / together:.0f}")


if __name__ == "__main__":
    main()
