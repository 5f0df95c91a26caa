"""The hash of the code that a job executes: it changes when a result may change, and for nothing else.

A job runs a script. From the script this module follows names: each function, class and constant that is used, and
whatever these use in turn, across modules. Only those definitions are hashed, and of them only what Python executes.
docs/pipeline.md says what is left out of the hash, and why that is safe.
"""

import ast
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import NoneType

from tom.core.files import atomic_file
from tom.core.table_columns import REGISTRY, column_types

SCRIPTS = Path(__file__).resolve().parents[2]
EVERYTHING = "*"
TABLE_FUNCTION = "table_schema"
"""The function that gives a table's columns by its name. Where a call names the table, its columns are hashed too."""

ERROR = "UserError"
"""The error that ends a job whose input is wrong. What it says is in no result, so its arguments are not hashed."""

# Fields of syntax nodes that say how code is written, or that only one version of Python knows.
_IGNORED_FIELDS = {"ctx", "type_comment", "kind", "type_params", "returns", "type_ignores"}


@dataclass
class Module:
    """One parsed file.

    definitions: name → the statements that bind it. effects: other statements, executed on import. imports: name → what
    it was imported from, as (module, name in it), with None for a module itself.
    """

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)
    imports: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)


Symbol = tuple[Path, str]
"""A file and a name that is defined in it; EVERYTHING stands for all of them, an empty name for the effects alone."""


@cache
def parse(file: Path) -> Module:
    """The statements of one file, sorted by what they bind."""
    module = Module()
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for bound, source in _imported(statement):
                module.imports.setdefault(bound, []).append(source)
        elif names := _bound_names(statement):
            for name in names:
                module.definitions.setdefault(name, []).append(statement)
        elif not _is_docstring(statement) and not _is_type_checking(statement):
            module.effects.append(statement)
    return module


def _imported(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, tuple[str, str | None]]]:
    """(bound name, (module, name in it)) of one import statement."""
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            # `import a.b` binds a; what is used of it is found by its attributes.
            yield alias.asname or alias.name.partition(".")[0], (alias.name, None)
        else:
            yield alias.asname or alias.name, (statement.module or "", alias.name)


def _bound_names(statement: ast.stmt) -> list[str]:
    """The names that a definition or an assignment binds; none for any other statement."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        nodes = [node for target in targets for node in ast.walk(target)]
        # `table[key] = value` and `object.name = value` change something and bind nothing.
        if all(isinstance(node, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context) for node in nodes):
            return [node.id for node in nodes if isinstance(node, ast.Name)]
    return []


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_type_checking(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)


def _file_of(module: str) -> Path | None:
    """The file of one of this project's modules; None for any other."""
    path = SCRIPTS.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if module and file.is_file():
            return file
    return None


def _target(module: str, name: str | None) -> tuple[Path | None, str | None]:
    """The file that an import leads to, and the name in it: None for a whole module."""
    if name is not None and (file := _file_of(f"{module}.{name}")):
        return file, None
    return _file_of(module), name


def symbols_of(script: str, *plugins: str) -> list[Symbol]:
    """Everything that a script may execute, in a fixed order.

    script: a file of workflow/scripts. plugins: modules that it loads by name at run time, such as the engine that the
    config asks for (`tom.engines.vllm_engine`).
    """
    waiting: list[Symbol] = [(SCRIPTS / script, EVERYTHING)]
    for plugin in plugins:
        if (file := _file_of(plugin)) is None:
            raise ValueError(f"{plugin}: no module of {SCRIPTS}")
        waiting.append((file, EVERYTHING))
    found: set[Symbol] = set()
    while waiting:
        symbol = waiting.pop()
        if symbol not in found:
            found.add(symbol)
            waiting += _used_by(symbol)
    return sorted(found)


@cache
def _used_by(symbol: Symbol) -> tuple[Symbol, ...]:
    """What one symbol uses directly."""
    file, name = symbol
    module = parse(file)
    if name == EVERYTHING:
        return (*((file, each) for each in module.definitions), (file, ""))
    if name == "":
        # Importing a file executes its packages and whatever it imports.
        packages = [folder / "__init__.py" for folder in file.parents if SCRIPTS in folder.parents]
        imported = [_target(*source)[0] for sources in module.imports.values() for source in sources]
        used = [(each, "") for each in (*packages, *imported) if each and each.is_file() and each != file]
        return (*used, *_follow_import(file, "*", set()), *_references(file, module.effects))
    if name in module.definitions:
        return ((file, ""), *_references(file, module.definitions[name]))
    return ((file, ""), *_follow_import(file, name, set()))


def _references(file: Path, statements: list[ast.stmt]) -> Iterator[Symbol]:
    """The symbols that some statements of a file name."""
    module = parse(file)
    for statement in statements:
        named: Counter[str] = Counter()
        attributes: dict[str, list[str]] = {}
        for node in _executed(statement):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                attributes.setdefault(node.value.id, []).append(node.attr)
            elif isinstance(node, ast.Name):
                named[node.id] += 1
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for _, source in _imported(node):
                    yield from _resolve(source, set())
        for name, times in sorted(named.items()):
            used = attributes.get(name, [])
            if name in module.definitions:
                yield file, name
            elif name in module.imports:
                # A module that is passed on as it is may be used in any way.
                yield from _follow_import(file, name, set(used) if len(used) == times else set())


def _follow_import(file: Path, name: str, attributes: set[str]) -> Iterator[Symbol]:
    for source in parse(file).imports.get(name, []):
        yield from _resolve(source, attributes)


def _resolve(source: tuple[str, str | None], attributes: set[str]) -> Iterator[Symbol]:
    """What an import brings. attributes: those that are used of it, where it is a module; empty for all."""
    file, name = _target(*source)
    if file is None:
        return
    if name is not None:
        yield file, name if name != "*" else EVERYTHING
    elif attributes and attributes <= parse(file).definitions.keys() | parse(file).imports.keys():
        yield from ((file, attribute) for attribute in sorted(attributes))
    else:
        yield file, EVERYTHING


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it that Python executes, annotations of functions and variables left out.

    Annotations in the body of a class stay: dataclasses make fields of them.
    """
    yield node
    for _, child in _children(node):
        yield from _executed(child)


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    in_class = isinstance(node, ast.ClassDef)
    is_error = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == ERROR
    for name, value in ast.iter_fields(node):
        if is_error and name != "func":
            continue
        if name in _IGNORED_FIELDS or (name == "annotation" and not getattr(node, "in_class", False)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not (isinstance(child, ast.stmt) and _is_docstring(child)):
                if in_class and isinstance(child, ast.AnnAssign):
                    child.in_class = True
                yield name, child


def _words(node: ast.AST) -> Iterator[str]:
    """A node as words: the same for the same code, however it is formatted, and in each version of Python."""
    if isinstance(node, ast.arguments):
        # Parameters without a default stand in kw_defaults as None, which _children leaves out.
        yield from (f"default={default is not None}" for default in node.kw_defaults)
    if isinstance(node, ast.AnnAssign) and not getattr(node, "in_class", False):
        if node.value is None:
            return
        node = ast.Assign(targets=[node.target], value=node.value)
    yield type(node).__name__
    for name, value in ast.iter_fields(node):
        if name not in _IGNORED_FIELDS:
            for each in value if isinstance(value, list) else [value]:
                # None in a list stands for a place, such as that of a parameter without a default.
                if not isinstance(each, ast.AST) and (isinstance(value, list) or not isinstance(each, NoneType)):
                    yield f"{name}={each!r}"
    for name, child in _children(node):
        words = list(_words(child))
        if words:
            yield f"({name}"
            yield from words
            yield ")"


@cache
def _symbol_sha256(symbol: Symbol) -> str:
    """Hash of what one symbol executes, whatever it uses left out."""
    file, name = symbol
    module = parse(file)
    words = []
    if name == "":
        statements = module.effects
    elif name in module.definitions:
        statements = module.definitions[name]
    else:
        statements = []
    for statement in statements:
        words += _words(statement)
        for node in _executed(statement):
            words += _origins(file, node)
            words += _columns(node)
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _origins(file: Path, node: ast.AST) -> Iterator[str]:
    """Where an imported name comes from: `np` is numpy."""
    if isinstance(node, ast.Name):
        yield from (f"{node.id} is {module} {name}" for module, name in parse(file).imports.get(node.id, []))


def _columns(node: ast.AST) -> Iterator[str]:
    """The columns of a table that a call names."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == TABLE_FUNCTION:
        for argument in node.args:
            if isinstance(argument, ast.Constant):
                yield repr(list(column_types(argument.value).items()))


def files_of(script: str, *plugins: str) -> list[Path]:
    """The files of which a script executes something."""
    return sorted({file for file, _ in symbols_of(script, *plugins)})


@cache
def code_sha256(script: str, *plugins: str) -> str:
    """One hash over all that a script executes. script, plugins: as for symbols_of."""
    return _digest(symbols_of(script, *plugins))


def _digest(symbols: Iterable[Symbol]) -> str:
    digest = hashlib.sha256()
    for file, name in symbols:
        if name != EVERYTHING and (name or parse(file).effects):
            words = (file.relative_to(SCRIPTS).as_posix(), name, _symbol_sha256((file, name)))
            digest.update("\0".join(words).encode() + b"\n")
    return digest.hexdigest()


@cache
def _fingerprint() -> str:
    """Hash of every file that the hashes may depend on, which takes milliseconds."""
    digest = hashlib.sha256()
    for file in [*sorted(SCRIPTS.rglob("*.py")), REGISTRY]:
        content = file.read_bytes()
        digest.update(f"{file.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


@cache
def _remembered(file: Path) -> dict[str, str]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def remembered_sha256(folder: Path, script: str, *plugins: str) -> str:
    """code_sha256, kept in a folder for as long as no file of code changes.

    Every start of Snakemake needs the hashes of all scripts, and a cluster starts it for each job.
    """
    file = folder / f"{_fingerprint()}.json"
    known, name = _remembered(file), " ".join((script, *plugins))
    if name not in known:
        known[name] = code_sha256(script, *plugins)
        with suppress(OSError):  # a folder that can't be written to: the next start computes anew
            for outdated in folder.glob("*.json"):
                if outdated != file:
                    outdated.unlink(missing_ok=True)
            with atomic_file(file) as temporary:
                temporary.write_text(json.dumps(known))
    return known[name]
