"""Before a run's first job: can its local models do what the config asks of them? What passed is remembered.

A model that is still to be fetched is checked by the job that fetches it.
"""

import hashlib
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tom.core.errors import UserError
from tom.core.files import file_sha256, private_folder
from tom.models.model_folders import REMEMBERED_BYTES, shown_files

SCRIPT = Path(__file__).resolve().parents[2] / "check_model.py"
REFUSED = 2
"""How a script ends that found the input wrong."""
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}


def checks_here() -> bool:
    """Whether this process can check models: not without torch, as where jobs have an environment of their own."""
    return find_spec("torch") is not None


def asked_of(role: str, config: dict) -> dict:
    """What of a config a check of the role's model reads."""
    asked = {
        name: config[name] for name in (role, "splits", "prompt_format", "option_orders", "adapters") if name in config
    }
    return asked | {"training": {"target_modules": config["training"]["target_modules"]}}


def check_at_start(role: str, folder: Path, config: dict, resources: Path, code: str) -> None:
    """Run check_model.py on a model of the config, unless the same was checked before.

    folder: of its weights. code: the hash of the script's code. Errors: UserError.
    """
    asked = asked_of(role, config)
    seen = [code, role, asked, _state(folder), _state(resources)]
    known = hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()
    try:
        memory = private_folder() / "checked" / known
    except UserError:
        memory = None
    if memory and memory.is_file():
        return
    done = subprocess.run(
        [sys.executable, str(SCRIPT), f"--role={role}", f"--weights={folder}", f"--resources={resources}"],
        input=json.dumps(asked),
        env=os.environ | ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    if done.returncode == REFUSED:
        raise UserError(done.stderr.strip().splitlines()[-1].removeprefix("error: "))
    if done.returncode == 0 and memory:
        memory.parent.mkdir(exist_ok=True)
        memory.touch()


def _state(folder: Path) -> dict[str, str | int]:
    """File → the hash of a small one, the size of a large one."""
    files = {str(name): folder / name for name in shown_files(folder)}
    sizes = {name: file.stat().st_size for name, file in files.items()}
    return {name: size if size > REMEMBERED_BYTES else file_sha256(files[name]) for name, size in sizes.items()}
