"""Which cells make response curves: games at several payoffs, in the contexts that all of these were asked in."""

from collections import defaultdict

from tom.asking.rescaling import Rescaling, split_rescaling


def curve_cells(cells: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The (game, context) of every game that has several payoffs, in the contexts that all of these were asked in."""
    contexts = _common_contexts(cells)
    return [(game, context) for game, context in cells if context in contexts.get(split_rescaling(game)[0], ())]


def games_without_curve(cells: list[tuple[str, str]]) -> list[str]:
    """Games that were asked at several payoffs, but in no context at all of these."""
    return sorted(stem for stem, contexts in _common_contexts(cells).items() if not contexts)


def _common_contexts(cells: list[tuple[str, str]]) -> dict[str, set[str]]:
    """Game with several payoffs → the contexts that all of these were asked in."""
    asked: dict[str, dict[Rescaling, set[str]]] = defaultdict(lambda: defaultdict(set))
    for game, context in cells:
        stem, rescaling = split_rescaling(game)
        asked[stem][rescaling].add(context)
    return {stem: set.intersection(*points.values()) for stem, points in asked.items() if len(points) > 1}
