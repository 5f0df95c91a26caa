"""A model on this machine's disk, as a job names it: weights, an adapter or none, threads, and its engine."""

import argparse
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path

from tom.core.errors import UserError
from tom.engines.vllm_settings import VllmSettings
from tom.models.model_folders import read_manifest, verify

ENGINES = ("transformers", "vllm")


@dataclass(frozen=True)
class LocalModel:
    """Folders of weights and adapter, each with the manifest that says what must be in it.

    vllm: how vLLM serves it; None where transformers does.
    """

    weights: Path
    manifest: Path
    adapter: Path | None
    adapter_manifest: Path | None
    threads: int
    vllm: VllmSettings | None = None

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """The flags that name a local model; `from_arguments` reads them."""
        parser.add_argument("--weights", type=Path, required=True, help="model folder")
        parser.add_argument("--manifest", type=Path, required=True, help="the model folder's manifest")
        parser.add_argument("--adapter", type=Path, help="adapter folder")
        parser.add_argument("--adapter-manifest", type=Path, help="the adapter folder's manifest")
        parser.add_argument("--threads", type=int, required=True, help="torch threads")
        parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="what answers for the model")
        VllmSettings.add_arguments(parser)

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> "LocalModel":
        """The local model that parsed flags name."""
        return cls(
            arguments.weights,
            arguments.manifest,
            arguments.adapter,
            arguments.adapter_manifest,
            arguments.threads,
            VllmSettings.from_arguments(arguments) if arguments.engine == "vllm" else None,
        )

    def arguments(self) -> list[str]:
        """The flags that name this model."""
        flags = [f"--weights={self.weights}", f"--manifest={self.manifest}", f"--threads={self.threads}"]
        if self.adapter:
            flags += [f"--adapter={self.adapter}", f"--adapter-manifest={self.adapter_manifest}"]
        return [*flags, *self.vllm.arguments()] if self.vllm else flags

    @property
    def engine(self) -> str:
        """What answers for the model, one of ENGINES."""
        return "vllm" if self.vllm else "transformers"

    @cached_property
    def sha256(self) -> str:
        """Content hash of the weights, as the manifest has it."""
        return read_manifest(self.manifest)["sha256"]

    @cached_property
    def adapter_sha256(self) -> str | None:
        """Content hash of the adapter, or None without one."""
        return read_manifest(self.adapter_manifest)["sha256"] if self.adapter_manifest else None

    def content(self) -> tuple:
        """What a result of this model depends on."""
        settings = astuple(self.vllm) if self.vllm else ()
        return self.sha256, self.adapter_sha256, self.threads, self.engine, *settings

    def check_base(self) -> None:
        """Raise UserError unless the adapter, if any, was trained on these very weights.

        On the same model at another precision it would run, and answer otherwise (docs/decisions.md).
        """
        if self.adapter and (trained_on := read_manifest(self.adapter_manifest).get("source")) != self.sha256:
            raise UserError(
                f"{self.adapter_manifest}: this adapter was trained on weights with hash {trained_on}, those of "
                f"{self.manifest} have {self.sha256} (allowed: the student and precision that it was trained on)"
            )

    def check(self) -> None:
        """Raise UserError unless both folders hold what their manifests say."""
        verify(self.weights, read_manifest(self.manifest))
        if self.adapter:
            verify(self.adapter, read_manifest(self.adapter_manifest))
