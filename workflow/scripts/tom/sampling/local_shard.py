"""The shard of a cell that a local model answers."""

import argparse
from functools import partial

from tom.core.files import atomic_file, log_written
from tom.engines.local_model import LocalModel
from tom.engines.opening import run_at_engine
from tom.sampling.procedures import Cell, SamplingSettings, make_shard


def add_local_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of a job that asks a local model; `read_local_flags` reads them."""
    parser.add_argument("--idle-seconds", type=float, required=True, help="0: no resident engine")
    parser.add_argument("--other-base", action="store_true", help="the adapter was trained on other weights")
    LocalModel.add_arguments(parser)


def read_local_flags(arguments: argparse.Namespace) -> LocalModel:
    """The model that is asked. Errors: UserError if its adapter was trained on other weights, unless that is meant."""
    model = LocalModel.from_arguments(arguments)
    if not arguments.other_base:
        model.check_base()
    return model


def write_local_shard(
    output: str, model: LocalModel, idle_seconds: float, procedure: str, cell: Cell, settings: SamplingSettings
) -> None:
    """Sample the cell and write its shard, whole or not at all.

    Its bytes are the same whether a resident engine answered or the model was loaded for this shard alone.
    Errors: UserError.
    """
    fields = {"engine": model.engine, "model_sha256": model.sha256, "adapter_sha256": model.adapter_sha256}
    if model.template is not None:
        fields["template"] = model.template_json
    work = partial(make_shard, procedure=procedure, cell=cell, settings=settings, fields=fields)
    content, rows = run_at_engine(model, idle_seconds, work)
    with atomic_file(output) as temporary:
        temporary.write_bytes(content)
    log_written(output, f"{rows} rows")
