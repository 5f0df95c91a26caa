"""Train one of the tiny pair from scratch: an ordinary model folder, and a file that says how it came to be.

Both roles share one tokenizer. The same seed gives the same bytes on the same machine; on another one, whose sums
are rounded in another order, a model that behaves alike.
"""

import argparse
import platform
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

# As a script it has only its own folder on the path; the library lies elsewhere.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "workflow" / "scripts"))

from shipped_pair import COUNTS, SEED, shipped_lessons
from tiny_lessons import ROLES, VOCABULARY, TinyLesson, corpus
from tiny_measures import describe_replies, describe_scores, exact_scores, open_tiny, sample_replies

from tom.core.errors import run_main
from tom.core.files import atomic_folder, file_sha256, log_written, write_json
from tom.models.model_folders import content_sha256, hash_folder
from tom.prompts.prompts import FORMS

PACKAGES = ("torch", "transformers", "tokenizers", "numpy")
SAMPLED_EACH, REPLIES_EACH = 4, 8
"""Replies are sampled in every fourth example, eight each: enough for a share, and soon done."""


def write_model(folder: Path, model, tokenizer) -> None:
    """Save weights in bfloat16 and the tokenizer, with sampling settings of the kind that chat models come with.

    Those settings are not the run's: an engine that lets them leak into a reply shows it on this model.
    """
    import torch
    from transformers import GenerationConfig

    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        do_sample=True,
        temperature=0.6,
        top_p=0.9,
    )
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def measure(folder: Path, examples: list[TinyLesson], seed: int) -> dict[str, dict]:
    """Exact rates by form where the letter comes first, and what free replies look like where there is more."""
    by_form: dict[str, list[TinyLesson]] = {form: [one for one in examples if one.form == form] for form in FORMS}
    with TemporaryDirectory() as scratch:
        engine = open_tiny(folder, Path(scratch))
        exact = {form: describe_scores(by_form[form], exact_scores(engine, by_form[form])) for form in FORMS[:2]}
        free = {}
        for form in FORMS[1:]:
            chosen = by_form[form][::SAMPLED_EACH]
            free[form] = describe_replies(chosen, [sample_replies(engine, one, REPLIES_EACH, seed) for one in chosen])
    return {"exact": exact, "sampled": free}


def training_command(role: str, seed: int) -> str:
    """What makes a model of the pair, from the project's folder; where it is written is of no account."""
    return f"python tests/tiny_pair/{Path(__file__).name} --role {role} --seed {seed}"


def describe_training(role: str, model, recipe, epochs: int, losses: list[float], seed: int) -> dict:
    """How a model was made: command, versions, recipe and the loss of each pass in nats a token."""
    return {
        "made_by": training_command(role, seed),
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "role": asdict(ROLES[role]) | {"epochs": epochs},
        "recipe": asdict(recipe),
        "loss_of_each_pass": [round(loss, 4) for loss in losses],
    }


def describe_folder(folder: Path) -> dict:
    """The hash of each file, and one over all."""
    files = hash_folder(folder)
    return {"sha256": content_sha256(files), "files": files}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--role", choices=list(ROLES), required=True)
    parser.add_argument("--epochs", type=int, help="in place of the role's own number, for a quick trial")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, required=True, help="model folder; beside it goes its provenance")
    arguments = parser.parse_args()

    # One tokenizer for both: learnt from what the teacher reads and says.
    teachers = shipped_lessons("teacher", arguments.seed)
    examples, role = shipped_lessons(arguments.role, arguments.seed), ROLES[arguments.role]

    import torch
    from tiny_tokenizer import train_tokenizer
    from tiny_training import TinyRecipe, new_model, pack_example, train

    # The order of sums, and with it every rounding, depends on the number of threads.
    torch.set_num_threads(1)
    tokenizer = train_tokenizer(corpus(teachers), VOCABULARY)
    model, recipe = new_model(role, tokenizer, arguments.seed), TinyRecipe()
    epochs = arguments.epochs or role.epochs
    losses = train(model, [pack_example(tokenizer, example) for example in examples], epochs, recipe, arguments.seed)
    with atomic_folder(arguments.output) as temporary:
        write_model(temporary, model, tokenizer)
    log_written(arguments.output, "a model folder")
    told = describe_training(arguments.role, model, recipe, epochs, losses, arguments.seed)
    told |= {
        "counts_sha256": file_sha256(COUNTS),
        "measured": measure(arguments.output, examples, arguments.seed),
    }
    write_json(arguments.output.with_suffix(".json"), told | describe_folder(arguments.output))


if __name__ == "__main__":
    run_main(main)
