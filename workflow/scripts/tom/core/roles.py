"""The names of the models in a run."""

import re

from tom.core.errors import UserError

TEACHER, BASE = "teacher", "base"
_TUNED = re.compile(r"tuned-seed(\d+)")


def tuned_models(names: set[str]) -> list[str]:
    """The tuned students among the models of a run, in the order of their seeds.

    Errors: UserError unless the models are a teacher, a base and at least one tuned student.
    """
    seeds = {int(match[1]): name for name in names if (match := _TUNED.fullmatch(name))}
    if unknown := sorted(names - {TEACHER, BASE} - set(seeds.values())):
        raise UserError(f"shards: model '{unknown[0]}' is none of {TEACHER}, {BASE}, tuned-seed1, tuned-seed2, ...")
    if missing := [name for name in (TEACHER, BASE) if name not in names]:
        raise UserError(f"shards: none of them is of the model '{missing[0]}'")
    if not seeds:
        raise UserError("shards: none of them is of a tuned model (tuned-seed1, ...)")
    return [seeds[seed] for seed in sorted(seeds)]


def role(model: str) -> str:
    """A model's role without its seed: `tuned-seed2` → `tuned`."""
    return model.partition("-")[0]
