"""The golden transcripts: what a player reads in each cell of the default config, word for word.

python tests/helpers/regenerate_golden.py

writes tests/helpers/golden/{game}-{context}.txt anew. Look at the difference before you commit it: every changed
line is a changed experiment.
"""

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow" / "scripts"))

from tom.config.study import all_cells, splits_of_kind  # noqa: E402
from tom.games.kinds import CHOICE  # noqa: E402
from tom.prompts.cells import CellFiles, render_variants  # noqa: E402
from tom.prompts.variants import ORDERS, Variant, scored  # noqa: E402

GOLDEN = Path(__file__).with_name("golden")
PROMPT_FORMAT = "choice"
CELLS = all_cells(
    splits_of_kind(yaml.safe_load((ROOT / "config/config.yaml").read_text())["splits"], CHOICE, ROOT / "resources")
)
RULE = "=" * 100


def cell_files(game: str, context: str) -> CellFiles:
    """The files of a cell under resources/."""
    resources = ROOT / "resources"
    return CellFiles(
        game,
        resources / "games" / f"{game.partition('-x')[0]}.yaml",
        resources / "contexts" / f"{context}.yaml",
        resources / "prompt_formats" / f"{PROMPT_FORMAT}.yaml",
    )


def show(variant: Variant, messages: list[dict[str, str]]) -> str:
    """One variant's chat as text, role by role."""
    turns = [f"[{message['role']}]\n{message['content']}" for message in messages]
    head = f"{variant.order}, {variant.cooperation_label} means cooperation"
    return "\n".join([RULE, head, RULE, *turns, "[assistant]", f"{variant.label(True)} | {variant.label(False)}"])


def transcripts() -> dict[str, str]:
    """File name → transcript of every cell."""
    variants = scored(list(ORDERS))
    return {
        f"{game}-{context}.txt": "\n\n".join(
            show(variant, messages)
            for variant, messages in zip(variants, render_variants(cell_files(game, context), variants), strict=True)
        )
        + "\n"
        for game, context in CELLS
    }


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for file in GOLDEN.glob("*.txt"):
        file.unlink()
    for name, text in transcripts().items():
        (GOLDEN / name).write_text(text)


if __name__ == "__main__":
    main()
