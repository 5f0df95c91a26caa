"""Where shards, adapters and weights lie: in folders named by a key of the settings that made them.

Experiments whose settings are equal share the files. A changed setting makes new files, and the old ones stay. A key
stands for settings alone: the content of files (a game, a context, a count) is followed by Snakemake.

    models/{source}/{precision}/           weights and manifest of a model
    replies/{replies}.parquet              the teacher's replies that a training reads
    adapters/{student}/seed{n}/            what a training writes
    shards/{model}-{weights}/{asking}/{game}/{context}.parquet
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path

import yaml

from tom.config.study import IN_SAMPLE, cells_of, context_folder, game_file, game_table, question_file
from tom.core.files import atomic_file
from tom.engines.endpoint import sent_names
from tom.engines.registry import settings_of
from tom.games import kinds
from tom.prompts.prompts import CHOICE, CHOICE_FIRST, load_prompt_format
from tom.sampling.shard_paths import pack_paths

KEY_LENGTH = 8
TEACHER, BASE, TUNED = "teacher", "base", "tuned"
UNCHANGED: Mapping = {}
"""The student of the config's own training section."""

# How fast a training runs, and how many there are, is no part of what one of them makes.
_NO_PART_OF_A_TRAINING = ("seeds", "threads")
_OF_ANCHORS = ("anchor_games", "anchor_contexts", "anchor_weight")


def key_of(settings: object) -> str:
    """A short hash of settings; the order of keys doesn't matter."""
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


@dataclass(frozen=True)
class Student:
    """A student of one recipe. training: the config's section with this student's changes; None for frozen adapters."""

    key: str
    folder: Path  # of its adapters, a folder seed{n} each
    training: Mapping | None


@dataclass(frozen=True)
class Weights:
    """What answers: a model at a precision, with a student's adapter or without one.

    merged: the adapter is merged into dequantised weights. other_base: the adapter runs on weights of another precision
    than it was trained on.
    """

    role: str  # the section of the config, teacher or student
    precision: str
    student: Student | None
    merged: bool
    other_base: bool


@dataclass(frozen=True)
class Asking:
    """How a cell is asked. procedure: a module of tom/sampling. sampling: its settings, as flags of the script."""

    prompt_format: str
    procedure: str
    sampling: Mapping


class Store:
    """Paths of one experiment's files, and what each key in them stands for.

    Every key of the config is registered before a job runs, since a job on a cluster is asked for by its path alone.
    """

    def __init__(self, config: dict, resources: Path):
        self.config, self.resources, self.results = config, resources, Path(config["results"])
        self.sources: dict[str, str] = {}  # key → role
        self.students: dict[str, Student] = {}
        self.weights: dict[str, Weights] = {}
        self.answering: set[tuple[str, str]] = set()  # teacher, base or tuned, and its key
        self.askings: dict[str, Asking] = {}
        self.replies: dict[str, list[str]] = {}  # key → shards
        self._asked: dict[tuple, str] = {}
        self._trained: dict[str, Student] = {}
        for role in (TEACHER, "student"):
            if "source" in config[role]:
                self.sources.setdefault(self.source_key(role), role)

    def write_contents(self, file: Path) -> None:
        """Say what each key of this experiment stands for, as YAML."""
        contents = {
            **self._models(),
            "models": {key: self.config[role]["name"] for key, role in self.sources.items()},
            "students": {key: self._describe(student) for key, student in self.students.items()},
            "weights": {
                key: {
                    "model": self.config[weights.role]["name"],
                    "precision": weights.precision,
                    "student": weights.student.key if weights.student else None,
                    "merged": weights.merged,
                }
                for key, weights in self.weights.items()
            },
            "replies": {key: pack_paths(shards) for key, shards in self.replies.items()},
            "askings": {
                key: {"procedure": asking.procedure, **asking.sampling} for key, asking in self.askings.items()
            },
        }
        with atomic_file(file) as temporary:
            text = yaml.dump(contents, Dumper=_Plain, sort_keys=False, allow_unicode=True)
            temporary.write_text(text, encoding="utf-8")

    def _models(self) -> dict:
        """Whose results the experiment's folder holds."""
        names = {role: self.config[role]["name"] for role in (TEACHER, "student")}
        return names | {"seeds": self.config["training"]["seeds"]}

    def replaces(self, file: Path) -> str | None:
        """Whose results a run would replace, in words: other models' than this config's; None for its own or none.

        file: the experiment's contents.yaml as the last run left it.
        """
        before = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
        own = self._models()
        if not own.keys() <= before.keys():
            return None
        # A model may come from elsewhere under the same name.
        if own == {name: before[name] for name in own} and self.sources.keys() == before["models"].keys():
            return None
        return f"{before['student']}, taught by {before[TEACHER]}, seeds {', '.join(map(str, before['seeds']))}"

    def _describe(self, student: Student) -> dict:
        """The student's own settings: all of the config's student, of any other only what differs."""
        if student.training is None:
            return {"adapters": str(student.folder)}
        own = {} if student == self.student() else self.config["training"]
        return {name: value for name, value in student.training.items() if name not in own or value != own[name]}

    # Models

    def source_key(self, role: str) -> str:
        """The key of where a model's weights come from."""
        model = self.config[role]
        return key_of({name: model[name] for name in ("source", model["source"])})

    def precision_folder(self, role: str, precision: str | None = None) -> str:
        """`nf4-float32`, where the layers compute in float32; else the precision alone."""
        model = self.config[role]
        precision = precision or model["precision"]
        return f"{precision}-{model['compute_dtype']}" if precision == "nf4" else precision

    def model_folder(self, role: str, precision: str | None = None) -> Path:
        """Where a model's weights and manifest lie at a precision, its own unless one is given."""
        return self.results / "models" / self.source_key(role) / self.precision_folder(role, precision)

    def merged_folder(self, weights: str) -> Path:
        """Where weights lie into which an adapter was merged, a folder seed{n} each."""
        return self.results / "models" / "merged" / weights

    def _model_settings(self, role: str, precision: str | None = None) -> dict:
        """What a model's answers depend on."""
        model = self.config[role]
        engine = model["engine"]
        if engine == "recorded":
            return {"recorded": model.get("recorded", {})}
        if engine == "computed":
            return {"computed": model["computed"]}
        if engine == "openai":
            endpoint = {name: model["endpoint"].get(name) for name in ("base_url", "model", "n_per_request")}
            names = sent_names(model["endpoint"].get("parameters", {}), role)
            # What an endpoint was paid for keeps its place: names as they are by default are no part of the key.
            length = {"length_parameter": names.pop("max_tokens")}
            other = {name: sent for name, sent in names.items() if sent != name}
            return endpoint | length | ({"parameters": other} if other else {})
        return {
            "source": self.source_key(role),
            "precision": self.precision_folder(role, precision),
            "engine": engine,
            "settings": asdict(settings_of(engine, model.get(engine, {}))),
            **self._template(role),
        }

    def _template(self, role: str) -> dict:
        """What a prompt's tokens depend on besides texts and weights."""
        model = self.config[role]
        return {"template": model["template"]} if "template" in model else {}

    # Students

    def student(self, changes: Mapping = UNCHANGED) -> Student:
        """The student of the config's training section with some changes.

        changes: values of that section; besides, `teacher` and `observations_per_cell` (tom/training/ablations.py) and
        `held_out` (tom/training/folds.py).
        """
        known = key_of(changes)
        if known not in self._trained:
            self._trained[known] = self._register_student(changes)
        return self._trained[known]

    def _register_student(self, changes: Mapping) -> Student:
        if not changes and "adapters" in self.config:
            folder = Path(self.config["adapters"])
            # Adapters of this very folder of results are what their key says, so their shards are found.
            own = folder.parent == self.results / "adapters"
            student = Student(folder.name if own else key_of({"adapters": str(folder)}), folder, None)
        else:
            training = {**self.config["training"], **changes}
            # Their order changes nothing: they are read sorted.
            training["uniform_target_contexts"] = sorted(training["uniform_target_contexts"])
            # Without anchors neither their weight nor that there could be any is part of what a training makes.
            left_out = _NO_PART_OF_A_TRAINING + (() if training["anchor_games"] else _OF_ANCHORS)
            settings = {
                "training": {name: training[name] for name in training if name not in left_out},
                "model": [self.source_key("student"), self.precision_folder("student")],
                "prompt_format": self.config["prompt_format"],
                "replies": self.replies_key,
                **self._template("student"),
            }
            key = key_of(settings)
            student = Student(key, self.results / "adapters" / key, training)
        return self.students.setdefault(student.key, student)

    @cached_property
    def replies_key(self) -> str:
        """The key of the teacher's in-sample shards, gathered in the order of the config's cells."""
        shards = self.shards(cells_of(self.config["splits"][IN_SAMPLE]), [TEACHER])
        key = key_of(shards)
        self.replies[key] = shards
        return key

    def replies_file(self) -> Path:
        """The teacher's in-sample replies in one file."""
        return self.results / "replies" / f"{self.replies_key}.parquet"

    def anchors(self, training: Mapping) -> dict[str, list]:
        """The base's shards that a training section anchors the student to, and the files of their prompts."""
        cells = [(game, context) for context in training["anchor_contexts"] for game in training["anchor_games"]]
        texts = [self.texts(game, context, self.asking(BASE, game)).values() for game, context in cells]
        return {
            "anchors": self.shards(cells, [BASE]),
            "anchor_texts": sorted({str(file) for row in texts for file in row}),
        }

    # Shards

    def weights_key(
        self, model: str, changes: Mapping = UNCHANGED, precision: str | None = None, merged: bool = False
    ) -> str:
        """The key of what answers. model: teacher, base, or tuned-seed1, ...; changes: as for student."""
        role = TEACHER if model == TEACHER else "student"
        student = None if model in (TEACHER, BASE) else self.student(changes)
        settings = {
            "model": self._model_settings(role, precision),
            "student": student.key if student else None,
            "merged": merged,
        }
        key = key_of(settings)
        self.answering.add((model.partition("-")[0], key))
        if key not in self.weights:
            own = self.config[role].get("precision")
            held = precision or own
            other_base = student is not None and not merged and held != own
            self.weights[key] = Weights(role, held, student, merged, other_base)
        return key

    def asking(self, model: str, game: str, prompt_format: str | None = None, sampling: Mapping = UNCHANGED) -> str:
        """The name of how a model is asked about a game: the prompt format and a key of the sampling settings.

        sampling: settings, such as `observations` or `temperature`, in place of the config's. `labels`, a file of
        resources/labels, is what a student that answers with a choice alone is offered in place of C and D.
        """
        role = TEACHER if model == TEACHER else "student"
        question = question_of(game, self.resources)
        known = (role, question, prompt_format, key_of(sampling))
        if known not in self._asked:
            self._asked[known] = self._register_asking(role, question, prompt_format, sampling)
        return self._asked[known]

    def _register_asking(self, role: str, question: str | None, prompt_format: str | None, changes: Mapping) -> str:
        config, engine = self.config, self.config[role]["engine"]
        name = question or prompt_format or config["prompt_format"]
        if engine == "recorded":
            # Recorded counts are what they are, however the students are asked.
            asking = Asking(name, "recorded", {})
        elif engine == "computed":
            sampling = {"observations": config["observations"], "seed": config["sampling"]["seed"]}
            sampling |= {"option_orders": config["option_orders"]}
            sampling |= {name: value for name, value in changes.items() if name in sampling}
            asking = Asking(name, "computed", sampling)
        else:
            form = None if question else load_prompt_format(self.resources / "prompt_formats" / f"{name}.yaml").form
            if question:
                procedure = "numbers"
            else:
                choice_alone = form == CHOICE or (
                    form == CHOICE_FIRST and role == "student" and config["sampling"]["student_replies"] == "choice"
                )
                procedure = "choices" if choice_alone and engine != "openai" else "free_replies"
            sampling = {"observations": config["observations"]}
            sampling |= {name: config["sampling"][name] for name in ("seed", "temperature")}
            if not question:
                sampling["option_orders"] = config["option_orders"]
            if engine == "openai":
                sampling["top_p"] = config["sampling"]["top_p"]
            else:
                sampling["threads"] = config["sampling"]["threads"]
                # A choice alone is drawn from exact probabilities, which top_p has no part in; so is a number.
                if procedure == "free_replies":
                    sampling["top_p"] = config["sampling"]["top_p"]
            # A setting that this way of asking doesn't have changes nothing.
            known = {*sampling, "labels"} if procedure == "choices" else set(sampling)
            sampling |= {name: value for name, value in changes.items() if name in known}
            asking = Asking(name, procedure, sampling)
        key = f"{name}-{key_of([asking.procedure, asking.sampling])}"
        self.askings.setdefault(key, asking)
        return key

    def shards(
        self,
        cells: Iterable[tuple[str, str]],
        models: Iterable[str],
        changes: Mapping = UNCHANGED,
        *,
        prompt_format: str | None = None,
        sampling: Mapping = UNCHANGED,
        precision: str | None = None,
        merged: bool = False,
    ) -> list[str]:
        """Paths of the shards of some models in some (game, context), model by model.

        changes: of the training of tuned models. sampling, and the rest: in place of the config's.
        """
        cells = list(cells)
        paths = []
        for model in models:
            folder = f"{self.results}/shards/{model}-{self.weights_key(model, changes, precision, merged)}"
            askings = {game: self.asking(model, game, prompt_format, sampling) for game in {game for game, _ in cells}}
            paths += [f"{folder}/{askings[game]}/{game}/{context}.parquet" for game, context in cells]
        return paths

    def texts(self, game: str, context: str, asking: str) -> dict[str, Path]:
        """The files that a cell's prompts are written from: game, context, and prompt_format or question.

        And the table of a game set that has one, and the labels where they are not C and D.
        """
        table = game_table(game, self.resources)
        folder = "numbers" if question_of(game, self.resources) else "prompt_formats"
        labels = self.askings[asking].sampling.get("labels")
        return {
            "game": game_file(game, self.resources),
            "context": context_folder(game, self.resources) / f"{context}.yaml",
            "prompt_format": self.resources / folder / f"{self.askings[asking].prompt_format}.yaml",
            **({"table": table} if table else {}),
            **({"labels": self.resources / "labels" / f"{labels}.yaml"} if labels else {}),
        }


class _Plain(yaml.SafeDumper):
    """Writes a value that occurs twice in both places."""

    def ignore_aliases(self, data: object) -> bool:
        return True


@cache
def question_of(game: str, resources: Path) -> str | None:
    """The name of the file that asks for a number in this game; None for a game of choices."""
    if kinds.kind_of(game_file(game, resources)) != kinds.NUMBER:
        return None
    return question_file(game, resources).stem
