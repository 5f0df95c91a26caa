"""The code hashes of the jobs that take hours or cost money: python tests/helpers/costly_jobs.py

An edit that changes one of them trains every adapter anew, or asks a teacher again who may be paid for it. Users pay
for that after their next update, so it is to be meant. tests/core/test_costly_jobs.py fails where such a hash is no
longer the one in costly_jobs.json. Run as a script, this accepts the hashes as they are.
"""

import json
from pathlib import Path

from tom.core.code import code_sha256
from tom.engines.registry import engine_names, module_of
from tom.sampling.procedures import CHOICES, FREE_REPLIES, NUMBERS

ACCEPTED = Path(__file__).with_suffix(".json")


def costly_jobs() -> dict[str, str]:
    """Job → hash of the code that it executes, as in the rules' `python(...)`."""
    found = {
        "training": code_sha256("train_adapter.py"),
        "weights": code_sha256("convert_model.py"),
    }
    for procedure in (CHOICES, FREE_REPLIES, NUMBERS):
        module = f"tom.sampling.{procedure}"
        found[f"{procedure} of an endpoint"] = code_sha256("sample_endpoint.py", module)
        for engine in engine_names():
            plugins = (module_of(engine), module)
            hashes = [code_sha256(script, *plugins) for script in ("sample_shard.py", "serve_engine.py")]
            found[f"{procedure} of {engine}"] = " ".join(hashes)
    return found


if __name__ == "__main__":
    ACCEPTED.write_text(json.dumps(costly_jobs(), indent=2) + "\n")
