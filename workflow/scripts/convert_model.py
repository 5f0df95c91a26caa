"""Convert a model to the precision that every job uses, and write its manifest."""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.core.files import atomic_folder
from tom.engines.devices import take_devices, torch_device
from tom.models.model_folders import link_folder, read_manifest, verify, write_manifest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="model folder")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--precision", required=True, help="nf4, float32, bfloat16 or source")
    parser.add_argument("--compute-dtype", required=True, help="what nf4 layers compute in")
    parser.add_argument("--gpus", type=int, required=True, help="on which nf4 is made; 0: on the CPU")
    parser.add_argument("--output", type=Path, required=True, help="model folder")
    parser.add_argument("--output-manifest", type=Path, required=True)
    arguments = parser.parse_args()

    gpus = arguments.gpus if arguments.precision == "nf4" else 0
    take_devices(gpus)
    device = torch_device(gpus)
    manifest = read_manifest(arguments.manifest)
    verify(arguments.weights, manifest)
    with atomic_folder(arguments.output) as temporary:
        if arguments.precision == "source":
            link_folder(arguments.weights, temporary)
        else:
            from tom.models.language_models import convert_precision

            convert_precision(arguments.weights, temporary, arguments.precision, arguments.compute_dtype, device)
    write_manifest(arguments.output_manifest, arguments.output, source=manifest["sha256"])


if __name__ == "__main__":
    run_main(main)
