"""The packages of workflow/scripts/tom stand in layers: none depends, in whatever way, on one that depends on it."""

import ast
from pathlib import Path


def imported_packages(file: Path) -> set[str]:
    """The packages of tom that a module imports, at any depth of its code."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("tom.")}


def test_no_package_depends_on_one_that_depends_on_it(root):
    package = root / "workflow/scripts/tom"
    used = {
        folder.name: set().union(*map(imported_packages, folder.glob("*.py"))) - {folder.name}
        for folder in package.iterdir()
        if (folder / "__init__.py").exists()
    }
    assert used["core"] == set() and len(used) > 10
    layers = []
    while used:
        lowest = sorted(name for name, others in used.items() if not others & used.keys())
        assert lowest, f"these packages import each other in a circle: {sorted(used)}"
        layers.append(lowest)
        for name in lowest:
            del used[name]
