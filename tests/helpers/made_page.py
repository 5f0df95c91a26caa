"""The page of a small run, with replies that try to break out of it."""

import json
import sys
from pathlib import Path
from unittest.mock import patch

import build_page
import polars as pl
import yaml
from evaluate_split import TABLES, evaluate
from made_shards import shard_frame, small_run
from made_tables import PRECISION
from measure_sensitivities import measure

from tom.evaluation.rates import group_replies, order_rates
from tom.evaluation.split_tables import with_split
from tom.paper.published_choices import read_published_split
from tom.reporting.summary import BESIDE_PAPER, DISTANCES

SPLITS = ("in_sample", "our_own")
NAME = "Small <b>& bold</b> {braces}"
CAUGHT = "window.caught = true"
HOSTILE = {
    f"<script>{CAUGHT}</script>": None,
    f'"><img src=x onerror="{CAUGHT}">': None,
    f"</td></table></section><iframe srcdoc='<script>top.{CAUGHT}</script>'></iframe>": "D",
    f"' onmouseover='{CAUGHT}' \" autofocus onfocus=\"{CAUGHT}": "D",
    "{{ 7 * 7 }} {% raw %} &amp; &lt;b&gt;": "D",
    "C 😀 👩🏽‍🚀": "C",
    "אני בוחר C، أختار": "C",
    "\u202edesrever C": "C",
    "line one\n\n  line three": None,
    "": None,
    "long " * 1000: None,
}
"""Text → its letter; None: unreadable."""
HOSTILE_NAME = f"</table><script>{CAUGHT}</script>"
ACTIONS = {"C": "cooperate", "D": "defect"}
VERDICT = "In sample: nearer to the teacher."
SUMMARY = f"""# Title

- {VERDICT}

## {DISTANCES}

| a | b |
| - | - |
| <script>{CAUGHT}</script> | 2 |

| split | order | closed % | gap | chance | nearest |
| - | - | - | - | - | - |
| Out of sample contexts | paper's | -40 (-46 to -35) | 0.271 → 0.379 | 0 | -3 |

## {BESIDE_PAPER}

Read closed instead.

## Order and letters

- base: what is listed first decides.
"""
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="518pt" height="259pt" viewBox="0 0 80 40">'
    '<rect width="80" height="40" fill="#ccd"/></svg>'
)


def hostile_run() -> pl.DataFrame:
    """Shards of the small run: the students' replies are letters, but for the base's first ones in one cell."""
    shards = shard_frame([row for cells in small_run().values() for rows in cells.values() for row in rows])
    letter = pl.when(pl.col("action") == "cooperate").then(pl.lit("C")).otherwise(pl.lit("D"))
    answered = (pl.col("record") == "observation") & (pl.col("model") != "teacher")
    shards = shards.with_columns(raw=pl.when(answered).then(letter), rule=pl.when(answered).then(pl.lit("letter")))
    first = (pl.col("model") == "base") & (pl.col("game") == "stag_hunt") & (pl.col("context") == "business")
    first &= pl.col("observation") < len(HOSTILE)
    odd, rest = shards.filter(first), shards.filter(~first.fill_null(False))
    odd = odd.with_columns(
        raw=pl.Series(list(HOSTILE)),
        action=pl.Series([ACTIONS.get(letter) for letter in HOSTILE.values()], dtype=shards.schema["action"]),
        outcome=pl.Series(
            ["read" if letter else "off_format" if text else "empty" for text, letter in HOSTILE.items()],
            dtype=shards.schema["outcome"],
        ),
    )
    return pl.concat([rest, odd])


def build(arguments: list, output: Path) -> Path:
    """Build the page from the flags of page_inputs."""
    with patch.object(sys, "argv", ["build_page.py", *map(str, arguments), "--output", str(output)]):
        build_page.main()
    return output


def page_inputs(folder: Path, root: Path) -> list:
    """Write every input of the page to a folder; returns its flags."""
    shards = hostile_run()
    reference = shards.filter(pl.col("model").is_in(["teacher", "base"]))
    published = root / "resources/paper/observed_choices.csv"
    tables = {
        split: evaluate(shards, reference, read_published_split(published, split), split, PRECISION)
        | {"rates": with_split(order_rates(shards, 0.95), split), "replies": with_split(group_replies(shards), split)}
        for split in SPLITS
    }
    flags = []
    for name in (*TABLES, "rates", "replies"):
        files = [folder / "tables" / split / f"{name}.parquet" for split in SPLITS]
        for split, file in zip(SPLITS, files, strict=True):
            file.parent.mkdir(parents=True, exist_ok=True)
            tables[split][name].write_parquet(file)
        flags += [f"--{name.replace('_', '-')}", *files]
    for name, table in measure(pl.concat([tables[split]["propensities"] for split in SPLITS]), PRECISION).items():
        table.write_parquet(folder / f"{name}.parquet")
        flags += [f"--{name.replace('_', '-')}", folder / f"{name}.parquet"]
    stated = {"figure": ["gap"], "stated": [0.25], "recomputed": [0.249], "agrees": [True]}
    pl.DataFrame(stated).write_parquet(folder / "stated.parquet")
    names = [*(f"propensities-{split}" for split in SPLITS), "paper-in_sample", "paper_order-in_sample"]
    names += ["agreement", "gap_closed", "order_bias", "training_curve"]
    flags += ["--stated", folder / "stated.parquet", "--figures"]
    narrow = {"training_curve": SVG.replace("518", "252")}
    flags += [written(folder / f"{name}.svg", narrow.get(name, SVG)) for name in names]
    manifest = {"sha256": "1" * 64, "source": "wheel"}
    manifest |= {"files": {"model.safetensors": "2" * 64, "tokenizer.json": "3" * 64, "chat_template.jinja": "4" * 64}}
    flags += ["--manifests", written(folder / "models/student/nf4/manifest.json", json.dumps(manifest))]
    measured = "s\th:m:s\tmax_rss\tcpu_time\n61.5\t0:01:01\t900.0\t120.0\n"
    written(folder / "results/benchmarks/train/student-seed1.tsv", measured)
    written(folder / "results/logs/train/student-seed1.log", "40 prompts\nmodel loaded in 6.4 s\nepoch 1/4\n")
    config = yaml.safe_load((root / "config/config.yaml").read_text())
    config["student"]["name"] = NAME
    return [
        *flags,
        *("--summary", written(folder / "summary.md", SUMMARY)),
        *("--captions", root / "workflow/report"),
        *("--published", published),
        *("--experiment", folder / "results/main"),
        *("--benchmarks", folder / "results/benchmarks"),
        *("--logs", folder / "results/logs"),
        *("--jobs", "train", "1", "train/student-seed{1,2}"),
        *("--project", folder),
        *("--template", root / "workflow/report/page"),
        *("--columns", root / "workflow/schemas/tables.yaml"),
        *("--texts", root / "resources/prompt_formats/choice.yaml"),
        *("--config", json.dumps(config)),
    ]


def make_studies(experiment: Path) -> list[Path]:
    """Files of three studies, one of them incomplete, with markup in a name. experiment: their folder."""
    labels = {
        "labels": ["letters", "letters", HOSTILE_NAME, HOSTILE_NAME],
        "model": ["base", "tuned-seed1"] * 2,
        "gap_closed": [None, 0.5, None, 0.4],
    }
    target = {"target": ["label"], "split": ["our_own"], "predictor": ["tuned"], "gap_closed": [0.25]}
    tables = {
        "tables/labels.parquet": labels,
        "tables/transfer_matrix.parquet": {"left_out": ["nothing"], "measured_on": ["all"], "gap_closed": [0.75]},
        "tables/our_own/target.parquet": target,
    }
    for name, columns in tables.items():
        (experiment / name).parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(columns).write_parquet(experiment / name)
    drawn = [written(experiment / f"figures/{name}.svg", SVG) for name in ("transfer_matrix", "target")]
    return [*(experiment / name for name in tables), *drawn]


def written(file: Path, text: str) -> Path:
    """Write a file and return its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file
