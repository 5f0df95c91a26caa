"""The shard of a cell that a local model answers."""

import argparse
from collections.abc import Callable
from functools import partial

from tom.asking.asked_cell import cell_fields, cell_settings
from tom.engines.seam import with_local_engine
from tom.shards import COLUMNS, write_shard
from tom.weights.local_model import LocalModel


def add_local_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of write_local_shard, beside those of the cell."""
    parser.add_argument("--idle-seconds", type=float, required=True, help="0: no resident engine")
    parser.add_argument("--other-base", action="store_true", help="the adapter was trained on other weights")
    LocalModel.add_arguments(parser)


def write_local_shard(arguments: argparse.Namespace, observe: Callable[..., list[dict]], columns=COLUMNS) -> None:
    """Ask about the cell as `observe` does, and write its shard of these columns.

    The bytes are the same whether a resident engine answered or the model was loaded for this shard alone.
    """
    model = LocalModel.from_arguments(arguments)
    if not arguments.other_base:
        model.check_base()
    fields = {"engine": model.engine, "model_sha256": model.sha256, "adapter_sha256": model.adapter_sha256}
    work = partial(observe, **cell_settings(arguments), fields=cell_fields(arguments) | fields)
    write_shard(arguments.output, with_local_engine(model, arguments.idle_seconds, work), columns)
