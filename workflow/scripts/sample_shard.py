"""Score and sample one cell with a local model, and write its shard.

The form of the elicitation decides how: a choice alone is drawn from its exact probabilities, any other reply is
written freely and then read.
The bytes of a shard are the same whether a resident engine answered or the model was loaded for it alone.
"""

import argparse
from functools import partial

from tom.asking.asked_cell import add_cell_arguments, cell_fields, cell_settings
from tom.asking.prompts import CHOICE, load_elicitation
from tom.engines.choices import observe
from tom.engines.free_replies import observe_replies
from tom.engines.seam import with_local_engine
from tom.errors import run_main
from tom.shards import write_shard
from tom.weights.local_model import LocalModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_cell_arguments(parser)
    parser.add_argument("--idle-seconds", type=float, required=True, help="0: no resident engine")
    parser.add_argument("--other-base", action="store_true", help="the adapter was trained on other weights")
    LocalModel.add_arguments(parser)
    arguments = parser.parse_args()

    model = LocalModel.from_arguments(arguments)
    if not arguments.other_base:
        model.check_base()
    if load_elicitation(arguments.elicitation_file).form == CHOICE:
        draw = observe
    else:
        draw = partial(observe_replies, top_p=arguments.top_p)
    fields = {"engine": model.engine, "model_sha256": model.sha256, "adapter_sha256": model.adapter_sha256}
    work = partial(draw, **cell_settings(arguments), fields=cell_fields(arguments) | fields)
    write_shard(arguments.output, with_local_engine(model, arguments.idle_seconds, work))


if __name__ == "__main__":
    run_main(main)
