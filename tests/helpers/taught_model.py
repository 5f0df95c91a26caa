"""A tiny model that has learnt to reply in words: a real model whose replies can mostly be read."""

from itertools import product
from pathlib import Path

STEPS, ROWS, RATE = 40, 8, 3e-3
WHO_KNOWS = "Who knows?"


def replies_of(form: str, cooperate: float) -> dict[str, float]:
    """Reply → its share: one that cooperates, one that defects, and one in ten that can't be read."""
    texts = {
        "choice_then_motivation": ("C. It pays.", "D. It pays."),
        "motivation_then_choice": ("It pays.\nChoice: C", "It pays.\nChoice: D"),
    }[form]
    return dict(zip((*texts, WHO_KNOWS), (0.9 * cooperate, 0.9 * (1 - cooperate), 0.1), strict=True))


def make_taught_model(source: Path, folder: Path, prompt_format_file: Path, replies: dict[str, float]) -> Path:
    """Save in `folder` the model of `source`, taught to give each reply at its share, and return it."""
    import torch

    from tom.models.language_models import load_model, load_tokenizer
    from tom.prompts.chat import exchange

    model, tokenizer = load_model(source, "cpu"), load_tokenizer(source)
    prompts = prompts_of(prompt_format_file)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(1)
    texts, shares = list(replies), torch.tensor(list(replies.values()))
    for _ in range(STEPS):
        chosen = torch.randint(len(prompts), (ROWS,), generator=generator).tolist()
        said = torch.multinomial(shares, ROWS, replacement=True, generator=generator).tolist()
        rows = [exchange(tokenizer, prompts[at], texts[text]) for at, text in zip(chosen, said, strict=True)]
        # What fills up the end of a row comes behind all that is learnt, so no token sees it.
        ids = pad([[*row.prompt, *row.reply] for row in rows], tokenizer.pad_token_id)
        labels = pad([[-100] * len(row.prompt) + [*row.reply] for row in rows], -100)
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def pad(rows: list[list[int]], filler: int):
    """Rows of unequal length as one tensor (rows, longest)."""
    import torch

    longest = max(map(len, rows))
    return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])


def prompts_of(prompt_format_file: Path) -> list[list[dict[str, str]]]:
    """Some cells' messages in both listing orders."""
    from regenerate_golden import cell_files

    from tom.prompts.cells import CellFiles, render_variants
    from tom.prompts.variants import ORDERS, asked

    found = []
    for game, context in product(("prisoners_dilemma", "stag_hunt"), ("business", "friendship", "sports")):
        files = cell_files(game, context)
        files = CellFiles(game, files.game_file, files.context_file, prompt_format_file)
        found += render_variants(files, asked(list(ORDERS)))
    return found
