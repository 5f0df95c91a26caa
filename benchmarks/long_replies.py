"""One step over packed replies that share their prompt against TRL's SFTTrainer on the same rows.

python benchmarks/long_replies.py [--model FOLDER] [--replies 300] [--trl-replies 16] [--prompt 400] [--length 100]

The same model, LoRA adapter and optimiser, and replies of one length behind one prompt, completion loss only. Ours
takes one step over --replies, which is what a cell has; TRL's takes batches of --batch rows, each of which costs the
same, so the first --trl-replies of them show its rate. Each side runs in a process of its own, which says its peak
memory. Ours packs at most training.tokens_per_pack tokens into a pass, or --tokens-per-pack.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import yaml
from measure import ROOT, add_model_argument, device, model_folder, now, peak_gib, unit
from sft_rows import rows_of, sft_seconds

SYSTEM, WORDS = "You are asked about a game.", "the other player may well see that trust pays for both of us in time "


def main() -> None:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_model_argument(parser)
    parser.add_argument("--replies", type=int, default=300, help="that our side trains on")
    parser.add_argument("--trl-replies", type=int, default=16, help="that TRL trains on")
    parser.add_argument("--prompt", type=int, default=400, help="tokens, about")
    parser.add_argument("--length", type=int, default=100, help="tokens of a reply, about")
    parser.add_argument("--batch", type=int, default=8, help="rows in a batch of TRL's")
    parser.add_argument(
        "--tokens-per-pack", type=int, default=config["training"]["tokens_per_pack"], help="in a pass of ours"
    )
    parser.add_argument("--side", choices=list(SIDES), help="measure one side alone and print it as JSON")
    arguments = parser.parse_args()
    weights = model_folder(arguments.model) / "weights"
    if arguments.side:
        print(json.dumps(measure(weights, arguments, config)))
        return
    found = {}
    for side in SIDES:
        command = [sys.executable, *sys.argv, "--side", side]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        # TRL's trainer prints a line of its own before.
        found[side] = json.loads(printed.splitlines()[-1])
        print(
            "{side}: {rows} rows, {tokens} prompt and reply tokens: {seconds:.1f} {unit}".format(**found[side]),
            end="; ",
        )
        print("{rate:.1f} tokens a second, {memory:.2f} GiB at its peak".format(**found[side]))
    print("ratio: {:.2f} in tokens per second".format(found["ours"]["rate"] / found["trl"]["rate"]))


def measure(weights: Path, arguments: argparse.Namespace, config: dict) -> dict:
    """One side's rows, tokens as separate rows have them, CPU seconds, tokens per second and peak GiB."""
    import torch
    from weighted_training import adapted

    from tom.models.language_models import load_model, load_tokenizer
    from tom.prompts.chat import exchange
    from tom.training.examples import TrainingExample, WeightedReply

    torch.set_num_threads(1)
    tokenizer = load_tokenizer(weights)
    model = adapted(load_model(weights, device()), config)
    replies = {"ours": arguments.replies, "trl": arguments.trl_replies}[arguments.side]
    texts = [reply_text(tokenizer, number, arguments.length) for number in range(replies)]
    example = TrainingExample(
        "group", "context", prompt_messages(tokenizer, arguments.prompt), tuple(WeightedReply(t, 1) for t in texts)
    )
    rows = [exchange(tokenizer, example.messages, text) for text in texts]
    tokens = sum(len(row.prompt) + len(row.reply) for row in rows)
    seconds = SIDES[arguments.side](tokenizer, model, example, arguments)
    return {
        "side": arguments.side,
        "rows": len(rows),
        "tokens": tokens,
        "seconds": seconds,
        "rate": tokens / seconds,
        "memory": peak_gib(),
        "unit": unit(),
    }


def words_of(tokenizer, start: int, tokens: int) -> str:
    """Running text of about so many tokens, another one for each start."""
    words = (WORDS * (1 + tokens // 8)).split()
    words = [f"{start}", *words[start % 13 :]]
    return tokenizer.decode(tokenizer(" ".join(words), add_special_tokens=False)["input_ids"][:tokens])


def reply_text(tokenizer, number: int, tokens: int) -> str:
    """A reply that differs from every other one behind its letter."""
    return f"{'CD'[number % 2]}. " + words_of(tokenizer, number, tokens - 4)


def prompt_messages(tokenizer, tokens: int) -> list[dict[str, str]]:
    """A prompt of about so many tokens, its template's included."""
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": words_of(tokenizer, 0, tokens - 20)}]


def our_seconds(tokenizer, model, example, arguments: argparse.Namespace) -> float:
    """Seconds of packing the rows and of one optimiser step over them."""
    import torch

    from tom.training.objective import add_gradient, pack_examples

    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=7e-4)
    started = now()
    add_gradient(model, pack_examples(tokenizer, [example], arguments.tokens_per_pack))
    optimizer.step()
    return now() - started


def trl_seconds(tokenizer, model, example, arguments: argparse.Namespace) -> float:
    """Seconds of SFTTrainer.train on the rows, its tokenising left out."""
    return sft_seconds(tokenizer, model, rows_of([example]), arguments.batch)


SIDES = {"ours": our_seconds, "trl": trl_seconds}

if __name__ == "__main__":
    main()
