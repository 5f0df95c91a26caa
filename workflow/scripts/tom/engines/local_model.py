"""A model on this machine's disk, as a job names it: weights, an adapter or none, threads, and its engine."""

import argparse
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tom.core.errors import UserError
from tom.engines.registry import engine_names, settings_of
from tom.models.model_folders import read_manifest, verify

DEFAULT_ENGINE = "transformers"


@dataclass(frozen=True)
class LocalModel:
    """Folders of weights and adapter, each with the manifest that says what must be in it.

    engine: what answers for the model, one of `engine_names()`. settings: that engine's section of the config; a key
    that it lacks has the engine's default. gpus: how many it computes on; 0: on the CPU, whatever the machine has.
    template: the config's section on the chat template (tom/prompts/templates.py).
    """

    weights: Path
    manifest: Path
    adapter: Path | None
    adapter_manifest: Path | None
    threads: int
    engine: str = DEFAULT_ENGINE
    settings: dict[str, Any] = field(default_factory=dict, hash=False)
    gpus: int = 0
    template: dict[str, Any] | str | None = field(default=None, hash=False)

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """The flags that name a local model; `from_arguments` reads them."""
        parser.add_argument("--weights", type=Path, required=True, help="model folder")
        parser.add_argument("--manifest", type=Path, required=True, help="the model folder's manifest")
        parser.add_argument("--adapter", type=Path, help="adapter folder")
        parser.add_argument("--adapter-manifest", type=Path, help="the adapter folder's manifest")
        parser.add_argument("--threads", type=int, required=True, help="torch threads")
        parser.add_argument("--gpus", type=int, required=True, help="on which it computes; 0: on the CPU")
        parser.add_argument("--engine", choices=engine_names(), default=DEFAULT_ENGINE, help="what answers")
        parser.add_argument("--engine-settings", default="{}", help="the engine's section of the config, as JSON")
        parser.add_argument("--chat-template", type=json.loads, help="the config's section on the template, as JSON")

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> "LocalModel":
        """The local model that parsed flags name. Errors: UserError if the engine's settings are no JSON object."""
        try:
            settings = json.loads(arguments.engine_settings)
        except ValueError:
            settings = None
        if not isinstance(settings, dict):
            raise UserError(f"--engine-settings: {arguments.engine_settings!r} is no JSON object")
        return cls(
            arguments.weights,
            arguments.manifest,
            arguments.adapter,
            arguments.adapter_manifest,
            arguments.threads,
            arguments.engine,
            settings,
            arguments.gpus,
            arguments.chat_template,
        )

    def arguments(self) -> list[str]:
        """The flags that name this model."""
        flags = [f"--weights={self.weights}", f"--manifest={self.manifest}"]
        flags += [f"--threads={self.threads}", f"--gpus={self.gpus}"]
        if self.adapter:
            flags += [f"--adapter={self.adapter}", f"--adapter-manifest={self.adapter_manifest}"]
        flags += [f"--engine={self.engine}", f"--engine-settings={json.dumps(self.settings, sort_keys=True)}"]
        return flags + ([f"--chat-template={self.template_json}"] if self.template_json else [])

    @property
    def template_json(self) -> str | None:
        """The section on the chat template as JSON; None without one."""
        return None if self.template is None else json.dumps(self.template, sort_keys=True)

    @cached_property
    def engine_settings(self) -> Any:
        """The engine's Settings, defaults filled in. Errors: UserError if the engine doesn't know a key."""
        return settings_of(self.engine, self.settings)

    @cached_property
    def sha256(self) -> str:
        """Content hash of the weights, as the manifest has it."""
        return read_manifest(self.manifest)["sha256"]

    @cached_property
    def adapter_sha256(self) -> str | None:
        """Content hash of the adapter, or None without one."""
        return read_manifest(self.adapter_manifest)["sha256"] if self.adapter_manifest else None

    def content(self) -> tuple:
        """What a result of this model depends on; the engine's settings as JSON, with every default."""
        settings = json.dumps(asdict(self.engine_settings), sort_keys=True)
        template = () if self.template is None else (self.template_json,)
        return self.sha256, self.adapter_sha256, self.threads, self.engine, settings, *template

    def check_base(self) -> None:
        """Raise UserError unless the adapter, if any, was trained on these very weights.

        On the same model at another precision it would run, and give other answers (docs/decisions.md).
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
