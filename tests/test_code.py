"""The code of a script: exactly the project's modules that a real run of it imports."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from regenerate_golden import cell_files

from tom import code
from tom.engines.recorded_teacher import replay
from tom.shards import read_shard, write_shard

SCRIPTS = sorted(path.name for path in code.SCRIPTS.glob("*.py"))
# Torch and Snakemake take seconds to import, so these import what needs them only once their input was found good.
IMPORT_LATE = (
    "convert_model.py",
    "fetch_model.py",
    "list_outdated.py",
    "merge_adapter.py",
    "probe_model.py",
    "score_labels.py",
    "sample_numbers.py",
    "sample_shard.py",
    "serve_engine.py",
    "train_adapter.py",
    "train_tiny_pair.py",
)
OTHER_ENGINES = {"vllm_engine.py", "vllm_loading.py"}  # what a model that transformers answers for leaves out
# Runs a script as `python SCRIPT ...` would, then says which of the project's files were imported.
SPY = """
import json, runpy, sys
from pathlib import Path
script, report, *sys.argv[1:] = sys.argv[1:]
sys.argv[0], sys.path[0] = script, str(Path(script).parent)
try:
    runpy.run_path(script, run_name="__main__")
finally:
    files = [getattr(module, "__file__", None) for module in sys.modules.values()]
    Path(report).write_text(json.dumps([file for file in files if file]))
"""


def imported(script: str, arguments: list, folder: Path) -> set[Path]:
    """The modules that a real run of a script imports, itself and the package's docstring left out."""
    report = folder / "imported.json"
    command = [sys.executable, "-c", SPY, code.SCRIPTS / script, report, *arguments]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    files = {Path(file).resolve() for file in json.loads(report.read_text())}
    return {file for file in files if file.is_relative_to(code.SCRIPTS) and file.name not in (script, "__init__.py")}


def declared(script: str) -> set[Path]:
    """The modules that the rules declare for a script, itself left out."""
    return {file for file in code.code_of(script) if file.name not in (script, "__init__.py")}


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_script_comes_first_and_each_module_once(script):
    files = code.code_of(script)
    assert files[0] == code.SCRIPTS / script
    assert len(set(files)) == len(files)
    assert list(files[1:]) == sorted(files[1:])
    assert all(file.is_file() for file in files)


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_a_script_imports_at_its_start_is_declared(script, tmp_path):
    found = imported(script, ["--help"], tmp_path)
    assert found <= declared(script)
    assert script in IMPORT_LATE or found == declared(script)


def test_a_real_training_and_sampling_import_exactly_what_is_declared_for_their_engine(local_model, tmp_path):
    files = cell_files("stag_hunt", "sports")
    write_shard(
        tmp_path / "teacher.parquet",
        replay((3, 4), {"model": "teacher", "game": "stag_hunt", "context": "sports", "elicitation": "choice"}),
    )
    texts = ["--elicitation-file", files.elicitation_file, "--orders", "cooperation_first", "--letters", "as_asked"]
    recipe = "--rank 2 --alpha 4 --dropout 0 --target-modules q_proj,v_proj --learning-rate 0.001 --warmup 0"
    adapter = [f"--adapter={tmp_path / 'adapter'}", f"--adapter-manifest={tmp_path / 'adapter.json'}"]
    train = [
        *["--replies", tmp_path / "teacher.parquet", "--game-files", files.game_file],
        *["--context-files", files.context_file, *texts, "--seed", 1, "--checkpoints", tmp_path / "checkpoints"],
        *["--output", tmp_path / "adapter", "--output-manifest", tmp_path / "adapter.json"],
        *["--curve", tmp_path / "curve.csv", "--output-supervision", tmp_path / "supervision.json"],
        *[*recipe.split(), "--passes", 1, "--refinements", 1, "--weight-decay", 0, "--clip", 1],
        *["--supervision", "choices", "--letters", "as_asked", "--tokens-per-pack", 2048, *local_model.arguments()],
    ]
    sample = [
        *["--model", "tuned-seed1", "--game", "stag_hunt", "--game-file", files.game_file],
        *["--context-file", files.context_file, "--orders", "cooperation_first", "--observations", 4],
        # This form has both exact scores and free replies.
        *["--elicitation-file", files.elicitation_file.with_stem("choice_then_motivation")],
        *["--temperature", 1, "--top-p", 0.9, "--seed", 1],
        *["--idle-seconds", 0, "--output", tmp_path / "tuned.parquet", *local_model.arguments(), *adapter],
    ]
    assert imported("train_adapter.py", train, tmp_path) == declared("train_adapter.py")
    sampled = imported("sample_shard.py", sample, tmp_path)
    assert sampled <= declared("sample_shard.py")
    assert {file.name for file in declared("sample_shard.py") - sampled} == OTHER_ENGINES
    assert read_shard(tmp_path / "tuned.parquet").height == 2 + 4  # both letters scored, and the observations


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the scripts that may be edited; returns the hashes of all of them."""
    shutil.copytree(code.SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "SCRIPTS", tmp_path / "scripts")

    def forget():
        code._imported.cache_clear()
        code.code_of.cache_clear()

    def hashes():
        forget()
        return {script: code.code_sha256(script) for script in SCRIPTS}

    yield hashes
    forget()


@pytest.mark.parametrize(
    ("edited", "script", "bystander"),
    [
        ("tom/asking/games.py", "sample_shard.py", "convert_model.py"),
        ("tom/weights/language_models.py", "serve_engine.py", "replay_shard.py"),  # a late import of a late import
        ("tom/teaching/recipe.py", "train_adapter.py", "sample_shard.py"),
        ("replay_shard.py", "replay_shard.py", "sample_shard.py"),
    ],
)
def test_an_edit_changes_the_hash_of_what_uses_it_alone(copied, edited, script, bystander):
    before = copied()
    file = code.SCRIPTS / edited
    file.write_text(file.read_text() + "# edited\n")
    after = copied()
    assert after[script] != before[script]
    assert after[bystander] == before[bystander]


def test_touching_a_file_changes_no_hash(copied):
    before = copied()
    for file in code.SCRIPTS.rglob("*.py"):
        file.touch()
    assert copied() == before


def test_a_new_import_is_followed(copied):
    before = copied()["replay_shard.py"]
    (code.SCRIPTS / "tom" / "new.py").write_text("import tom.newer\n")
    (code.SCRIPTS / "tom" / "newer.py").write_text("from tom import newest\n")
    (code.SCRIPTS / "tom" / "newest.py").write_text("from tom import new\n")  # a circle
    file = code.SCRIPTS / "replay_shard.py"
    file.write_text(file.read_text() + "\ndef late():\n    from tom.new import *\n")
    assert copied()["replay_shard.py"] != before
    names = {path.name for path in code.code_of("replay_shard.py")}
    assert {"new.py", "newer.py", "newest.py"} <= names
