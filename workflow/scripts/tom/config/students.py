"""Several students in one run: the config's own, and those of its section `students`, each a config of its own.

All write to one folder of results, where files with equal keys are shared (tom/config/store.py). Each student's run has
rules for every file that it needs. A file that several need is left to the first of them.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from tom.config.checks import check_study
from tom.config.layers import Layer, complete, merge
from tom.config.paths import settle_paths
from tom.config.store import BASE, TEACHER, TUNED, Store
from tom.config.studies import TUNED_MODEL, register_keys
from tom.core.errors import UserError

STUDENTS = "students"


@dataclass(frozen=True)
class StudentRun:
    """What the rules of one student's run are made with. elsewhere: kind of key → the keys whose files others make."""

    title: str  # of its config, in messages
    store: Store
    stores: list[Store]  # of all students
    elsewhere: Mapping[str, set[str]]


def configs_of(config: dict, project: Path) -> dict[str, dict]:
    """Name → config of each of `students`: what it says laid over the config, as another file would be.

    A student without a name of its own is called by the config's name and its entry's, so that results tell them apart.
    config: as check_study accepts it. project: the folder in which shipped files are found.
    """
    shared = {key: value for key, value in config.items() if key not in (STUDENTS, "plan")}
    found = {}
    for name, said in config.get(STUDENTS, {}).items():
        changes = deepcopy(said)
        settle_paths(changes, project)
        own = {"experiment": f"{config['experiment']}-{name}", "compared_experiments": []}
        found[name] = merge([Layer("config", shared), Layer(name, changes | own)])
        complete(found[name])
        student = found[name]["student"]
        if student.get("name") == config["student"]["name"]:
            found[name]["student"] = student | {"name": f"{student['name']}, {name}"}
    return found


def runs_of(config: dict, file: str, resources: Path, project: Path) -> dict[str | None, StudentRun]:
    """Name → run of each student; None for the config's own.

    Errors: UserError unless each student's run can start, and is another than those before it.
    """
    configs = configs_of(config, project)
    for name, other in configs.items():
        check_study(other, f"{file}: {STUDENTS}.{name}", resources)
    stores = {name: Store(each, resources) for name, each in {None: config, **configs}.items()}
    known: dict[tuple, str] = {}
    for name, store in stores.items():
        register_keys(store, store.config)
        models = store.weights_key(TEACHER), store.weights_key(TUNED_MODEL)
        if models in known:
            raise UserError(
                f"{file}: {STUDENTS}.{name}: the same student, training and teacher as {known[models]} (allowed: one"
                " that differs in more than names, seeds, threads and GPUs)"
            )
        known[models] = f"{STUDENTS}.{name}" if name else "the config's own"
    # A file that a job makes for another student is asked for in that student's way.
    askings = {key: asking for store in stores.values() for key, asking in store.askings.items()}
    for store in stores.values():
        store.askings |= askings
    titles = [f"{file}: {STUDENTS}.{name}" if name else file for name in stores]
    everyone = list(stores.values())
    elsewhere = made_elsewhere(everyone)
    return {
        name: StudentRun(title, store, everyone, others)
        for (name, store), title, others in zip(stores.items(), titles, elsewhere, strict=True)
    }


def made_elsewhere(stores: list[Store]) -> list[dict[str, set[str]]]:
    """For each store kind of key → keys of other stores that are not its own, or were an earlier one's.

    The kind `answers` has patterns of a shard's folder, {model}-{weights}.
    """
    keys = [_keys(store) for store in stores]
    everything = {kind: set().union(*(own[kind] for own in keys)) for kind in keys[0]}
    earlier: dict[str, set[str]] = {kind: set() for kind in everything}
    found = []
    for own in keys:
        found.append({kind: everything[kind] - (own[kind] - earlier[kind]) for kind in everything})
        earlier = {kind: earlier[kind] | own[kind] for kind in everything}
    return found


def _keys(store: Store) -> dict[str, set[str]]:
    patterns = {TEACHER: TEACHER, BASE: BASE, TUNED: f"{TUNED}-seed[0-9]+"}
    return {
        "sources": set(store.sources),
        "students": set(store.students),
        "replies": {store.replies_key},
        "merged": {key for model, key in store.answering if model == TUNED},
        "answers": {f"{patterns[model]}-{key}" for model, key in store.answering},
    }
