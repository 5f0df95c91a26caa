"""Merge an adapter into its base's dequantised weights, and write a model folder with its manifest.

Merged into the quantised weights, it would be rounded to four bits.
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.core.files import atomic_folder
from tom.engines.devices import take_devices
from tom.engines.local_model import LocalModel
from tom.models.model_folders import write_manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="model folder")
    parser.add_argument("--output-manifest", type=Path, required=True)
    LocalModel.add_arguments(parser)
    arguments = parser.parse_args()
    local = LocalModel.from_arguments(arguments)
    take_devices(0)
    local.check()

    import torch

    from tom.models.language_models import merge_adapter

    torch.set_num_threads(local.threads)
    with atomic_folder(arguments.output) as temporary:
        merge_adapter(local.weights, local.adapter, temporary)
    write_manifest(arguments.output_manifest, arguments.output, source=local.adapter_sha256)


if __name__ == "__main__":
    run_main(main)
