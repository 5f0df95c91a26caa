"""How the vLLM engine serves a model: the config's `vllm` section, as a job's flags name it."""

import argparse
from dataclasses import dataclass
from importlib.util import find_spec

from tom.core.errors import UserError

ADAPTERS = ("runtime", "merged")


@dataclass(frozen=True)
class VllmSettings:
    """adapter: applied at run time, or merged into a copy of the weights. tensor_parallel: GPUs that share a model.

    memory_share: of each GPU's memory, for weights and key-value cache together. eager: no compilation and no
    CUDA graphs, so that it starts sooner and answers later; on a CPU always.
    """

    adapter: str = "runtime"
    tensor_parallel: int = 1
    memory_share: float = 0.4
    eager: bool = False

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """The flags of this engine; `from_arguments` reads them."""
        parser.add_argument("--vllm-adapter", choices=ADAPTERS, default=VllmSettings.adapter)
        parser.add_argument("--vllm-tensor-parallel", type=int, default=VllmSettings.tensor_parallel)
        parser.add_argument("--vllm-memory-share", type=float, default=VllmSettings.memory_share)
        parser.add_argument("--vllm-eager", action="store_true")

    @classmethod
    def from_arguments(cls, arguments: argparse.Namespace) -> "VllmSettings":
        """The settings that parsed flags name."""
        return cls(
            arguments.vllm_adapter,
            arguments.vllm_tensor_parallel,
            arguments.vllm_memory_share,
            arguments.vllm_eager,
        )

    def arguments(self) -> list[str]:
        """The flags that ask for vLLM with these settings."""
        flags = [
            "--engine=vllm",
            f"--vllm-adapter={self.adapter}",
            f"--vllm-tensor-parallel={self.tensor_parallel}",
            f"--vllm-memory-share={self.memory_share}",
        ]
        return [*flags, "--vllm-eager"] if self.eager else flags


def require_vllm(where: str) -> None:
    """Raise UserError unless this environment has vLLM. where: what asked for it, for the message."""
    if find_spec("vllm") is None:
        raise UserError(
            f"{where}: vLLM is not installed here (pip install -r envs/requirements-gpu.in on a machine with a GPU,"
            " envs/requirements-vllm.txt without one; allowed without it: transformers)"
        )
