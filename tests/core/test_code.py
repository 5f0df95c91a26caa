"""The hash of a script's code: it changes with what the script executes, and with nothing else."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from regenerate_golden import cell_files

from tom.core import code
from tom.sampling.recorded import replay
from tom.sampling.shards import read_shard, write_shard

SCRIPTS = sorted(path.name for path in code.SCRIPTS.glob("*.py"))
# Runs a script as `python SCRIPT ...` would, then says which of the project's functions and classes were entered.
SPY = """
import inspect, json, runpy, sys
from pathlib import Path
scripts, script, report, *sys.argv[1:] = sys.argv[1:]
script = str(Path(scripts) / script)
sys.argv[0], sys.path[0] = script, scripts
entered = set()

def note(frame, event, _):
    code = frame.f_code
    if event == "call" and code.co_flags & inspect.CO_OPTIMIZED and code.co_filename.startswith(scripts):
        entered.add((code.co_filename, code.co_qualname.partition(".")[0]))

sys.setprofile(note)
try:
    runpy.run_path(script, run_name="__main__")
finally:
    sys.setprofile(None)
    Path(report).write_text(json.dumps(sorted(entered)))
"""


def entered(script: str, arguments: list, folder: Path) -> set[code.Symbol]:
    """Functions and classes at top level that a real run of a script enters; importing a module enters none."""
    report = folder / "entered.json"
    command = [sys.executable, "-c", SPY, code.SCRIPTS, script, report, *arguments]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    found = {(Path(file), name) for file, name in json.loads(report.read_text())}
    return {(file, name) for file, name in found if not name.startswith("<")}


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the scripts that may be edited; returns the hashes of all of them, or of one with its plugins."""
    shutil.copytree(code.SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "SCRIPTS", tmp_path / "scripts")

    def forget():
        for cached in (
            code.parse, code._used_by, code._symbol_sha256, code.code_sha256, code._fingerprint, code._remembered
        ):  # fmt: skip
            cached.cache_clear()

    def hashes(*which: str):
        forget()
        return code.code_sha256(*which) if which else {script: code.code_sha256(script) for script in SCRIPTS}

    forget()
    yield hashes
    monkeypatch.undo()
    forget()


def edit(file: str, old: str, new: str) -> None:
    """Replace a piece of text that stands in a file exactly once."""
    path = code.SCRIPTS / file
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new))


def add_script(body: str, **modules: str) -> str:
    """A new script of this body, and new modules of the package beside it."""
    for name, text in modules.items():
        (code.SCRIPTS / "tom" / f"{name}.py").write_text(text)
    (code.SCRIPTS / "new_script.py").write_text(body)
    return "new_script.py"


def test_touching_files_changes_no_hash(copied):
    before = copied()
    for file in code.SCRIPTS.rglob("*.py"):
        file.touch()
    assert copied() == before


def test_docstrings_comments_and_annotations_change_no_hash(copied):
    before = copied()
    for file in code.SCRIPTS.rglob("*.py"):
        file.write_text(file.read_text() + '\n# A comment.\n"""And a docstring."""\n')
    edit("tom/core/errors.py", "def run_main(", "def run_main(  # why\n    ")
    edit(
        "tom/core/random.py",
        "def share_out(observations: int, variants: int) -> list[int]:",
        "def share_out(observations, variants):",
    )
    edit("tom/core/random.py", '"""The number of observations', '"""How many observations')
    assert copied() == before


def test_what_an_error_says_changes_no_hash_and_what_raises_it_does(copied):
    before = copied()
    edit("tom/engines/devices.py", "can be used {where} (allowed: up to as many)", "can be used {str(where)}")
    assert copied() == before
    edit("tom/engines/devices.py", "if len(visible) < gpus:", "if len(visible) <= gpus:")
    assert copied() != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("tom/core/random.py", "share + (index < rest)", "share + (index <= rest)"),
        ("tom/core/random.py", '"big"', '"little"'),
        ("tom/core/random.py", "import numpy as np", "import numpy.random as np"),
    ],
)
def test_an_edit_changes_what_uses_it(copied, file, old, new):
    scripts = (("sample_shard.py", "tom.sampling.choices"), ("convert_model.py",))
    before = [copied(*script) for script in scripts]
    edit(file, old, new)
    sampled, converted = (copied(*script) for script in scripts)
    assert sampled != before[0]
    assert converted == before[1]


def test_what_stands_beside_a_used_definition_is_not_followed(copied):
    script = add_script("from tom.new import used\nused()\n", new="def used(): return 1\ndef unused(): return 2\n")
    before = copied(script)
    edit("tom/new.py", "return 2", "return 3")
    assert copied(script) == before
    edit("tom/new.py", "return 1", "return 4")
    assert copied(script) != before


@pytest.mark.parametrize(
    ("body", "module"),
    [
        ("import tom.new\ntom.new.used()\n", "def used(): return 1\n"),
        ("from tom import new\nnew.used()\n", "def used(): return 1\n"),
        ("from tom import new\nprint(new)\n", "def used(): return 1\n"),
        ("from tom.new import *\n", "def used(): return 1\n"),
        ("def late():\n    from tom.new import used\n    used()\n", "def used(): return 1\n"),
        ("from tom.new import Child\nChild()\n", "class Parent:\n    value = 1\nclass Child(Parent): ...\n"),
        ("from tom.new import decorated\ndecorated()\n", "def mark(f): return 1\n@mark\ndef decorated(): ...\n"),
        ("from tom.new import used\nused()\n", "LIMIT = 1\ndef used(most=LIMIT): return most\n"),
        (
            "from tom.new import Row\nRow()\n",
            "from dataclasses import dataclass\n@dataclass\nclass Row:\n    a: int = 1\n",
        ),
        ("import tom.new\n", "print(1)\n"),
        ("from tom.new import used\n", "if True:\n    def used(): return 1\n"),
        ("from tom.new import table\ntable\n", "table = {}\ntable['a'] = 1\n"),
    ],
)
def test_every_way_of_using_a_module_is_followed(copied, body, module):
    script = add_script(body, new=module)
    before = copied(script)
    edit("tom/new.py", "1", "2")
    assert copied(script) != before


def test_a_name_taken_from_another_module_changes_the_hash(copied):
    one, other = "def used(): return 1\n", "def used(): return 2\n"
    script = add_script(
        "from tom.one import used\nimport tom.other\nused(), tom.other.used, tom.one\n", one=one, other=other
    )
    before = copied(script)
    edit("new_script.py", "from tom.one import used", "from tom.other import used")
    assert copied(script) != before


def test_fields_of_a_class_count_with_their_annotations(copied):
    module = "from dataclasses import dataclass\n@dataclass\nclass Row:\n    a: int\n    b: str\n"
    script = add_script("from tom.new import Row\nRow(1, 2)\n", new=module)
    before = copied(script)
    edit("tom/new.py", "b: str", "c: str")
    assert copied(script) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("def f(*, a, b=1): ...", "def f(*, a=1, b): ..."),
        ("return", "return 0"),
        ("x = 'a' + y", "x = y + 'a'"),
        ("x: int = 1", "x: int = 2"),
        ("global a", "global b"),
        ("f(**a)", "f(*a)"),
        ("{**a}", "{a: a}"),
        ("f'{a}b'", "f'{a!r}b'"),
        ("1", "1.0"),
        ("'1'", "b'1'"),
        ("x = -1", "x = +1"),
        ("async def f(): ...", "def f(): ..."),
    ],
)
def test_different_code_has_different_words(old, new):
    words = [list(code._words(code.ast.parse(f"def outer():\n    {text}\n"))) for text in (old, new)]
    assert words[0] != words[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x: int = 1", "x = 1"),
        ("f(a,b)", "f(\n        a,\n        b,\n    )"),
        ("x = 'a'", 'x = "a"'),
        ("def f(a: int) -> str: ...", "def f(a): ..."),
    ],
)
def test_the_same_code_has_the_same_words(old, new):
    words = [list(code._words(code.ast.parse(f"def outer():\n    {text}\n"))) for text in (old, new)]
    assert words[0] == words[1]


@pytest.mark.slow
def test_a_real_training_and_sampling_enter_nothing_that_is_not_hashed(local_model, tmp_path):
    files = cell_files("stag_hunt", "sports")
    write_shard(
        tmp_path / "teacher.parquet",
        replay((3, 4), {"model": "teacher", "game": "stag_hunt", "context": "sports", "prompt_format": "choice"}),
    )
    texts = ["--prompt-format-file", files.prompt_format_file, "--option-orders", "cooperation_first"]
    recipe = "--rank 2 --alpha 4 --dropout 0 --target-modules q_proj,v_proj --learning-rate 0.001 --warmup 0"
    adapter = [f"--adapter={tmp_path / 'adapter'}", f"--adapter-manifest={tmp_path / 'adapter.json'}"]
    train = [
        *["--replies", tmp_path / "teacher.parquet", "--game-files", files.game_file],
        *["--context-files", files.context_file, *texts, "--seed", 1, "--checkpoints", tmp_path / "checkpoints"],
        *["--output", tmp_path / "adapter", "--output-manifest", tmp_path / "adapter.json"],
        *["--curve", tmp_path / "curve.csv", "--output-loss-report", tmp_path / "loss_report.json"],
        *[*recipe.split(), "--epochs", 1, "--gauss-newton-steps", 1, "--weight-decay", 0, "--clip", 1],
        *["--target", "label", "--label-mapping", "original", "--tokens-per-pack", 2048, *local_model.arguments()],
    ]
    sample = [
        *["--procedure", "free_replies", "--model", "tuned-seed1", "--game", "stag_hunt"],
        *["--game-file", files.game_file],
        *["--context-file", files.context_file, "--option-orders", "cooperation_first", "--observations", 4],
        # This form has both exact scores and free replies.
        *["--prompt-format-file", files.prompt_format_file.with_stem("choice_then_motivation")],
        *["--temperature", 1, "--top-p", 0.9, "--seed", 1],
        *["--idle-seconds", 0, "--output", tmp_path / "tuned.parquet", *local_model.arguments(), *adapter],
    ]
    trained = entered("train_adapter.py", train, tmp_path)
    assert trained and trained <= set(code.symbols_of("train_adapter.py"))
    sampled = entered("sample_shard.py", sample, tmp_path)
    plugins = ("tom.engines.transformers_engine", "tom.sampling.free_replies")
    assert sampled and sampled <= set(code.symbols_of("sample_shard.py", *plugins))
    assert read_shard(tmp_path / "tuned.parquet").height == 2 + 4  # both letters scored, and the observations


def test_hashes_are_remembered_until_code_changes(copied, tmp_path, monkeypatch):
    copied("replay_shard.py")
    folder = tmp_path / "hashes"
    first = code.remembered_sha256(folder, "replay_shard.py")
    assert first == code.code_sha256("replay_shard.py")
    copied("replay_shard.py")  # forgets what this process knows
    with monkeypatch.context() as patch:
        patch.setattr(code, "code_sha256", None)
        assert code.remembered_sha256(folder, "replay_shard.py") == first
    (code.SCRIPTS / "replay_shard.py").write_text("print(1)\n")
    assert copied("replay_shard.py") == code.remembered_sha256(folder, "replay_shard.py") != first
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_cannot_be_written_to_costs_time_alone(copied, tmp_path):
    (tmp_path / "file").touch()
    expected = copied("replay_shard.py")
    assert code.remembered_sha256(tmp_path / "file" / "hashes", "replay_shard.py") == expected
