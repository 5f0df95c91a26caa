"""The weights that an adapter belongs to: named by a hash of their content, and no others accepted.

An adapter is a small difference from certain weights. On others of the same shapes, such as those of another precision,
it loads without an error and gives other answers. The hash is of tensors and not of files, so it also recognises
weights that were quantised anew while they were loaded.
"""

import hashlib
import json
from pathlib import Path

from tom.core.errors import UserError
from tom.core.files import write_json

FILE = "base.json"
"""Beside the adapter's own files: what its weights are, and their hash."""


def weights_sha256(model) -> str:
    """The SHA-256 of a loaded model's tensors, names and bytes, quantisation constants among them.

    model: of transformers, without an adapter. The same on each device, and before and after saving.
    """
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def write_base(adapter: Path, base: dict[str, str]) -> None:
    """Say in an adapter's folder which weights it belongs to.

    base: their `name`, `precision` and `weights_sha256`; of a hub, `repository` and `revision`. PEFT's configuration
    names the repository where there is one. Any other name in it has blanks, so that it is taken for no repository.
    """
    write_json(adapter / FILE, base)
    config = adapter / "adapter_config.json"
    named = f"{base['name']} at {base['precision']}, weights {base['weights_sha256']}"
    settings = {"base_model_name_or_path": base.get("repository", named), "revision": base.get("revision")}
    write_json(config, json.loads(config.read_text()) | settings)


def load_student(base: str | Path, adapter: str | Path):
    """A tuned student: the base in its folder, with an exported adapter, in evaluation mode on the CPU.

    Errors: UserError if the adapter belongs to other weights, or does not say to which.
    """
    from peft import PeftModel

    from tom.models.language_models import load_model

    model = load_model(base, "cpu")
    require_base(model, adapter, base)
    return PeftModel.from_pretrained(model, adapter).eval()


def require_base(model, adapter: str | Path, where: str | Path) -> None:
    """Raise UserError unless an exported adapter belongs to the weights of a model. where: the model's name."""
    file = Path(adapter) / FILE
    try:
        base = json.loads(file.read_text())
    except FileNotFoundError:
        raise UserError(f"{file} is missing: it says which weights the adapter belongs to (snakemake export)") from None
    if (found := weights_sha256(model)) != base["weights_sha256"]:
        raise UserError(
            f"{where}: weights with hash {found}; this adapter belongs to {base['name']} at {base['precision']},"
            f" with hash {base['weights_sha256']} ({file})"
        )
