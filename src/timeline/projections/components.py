"""The order in which policies that bear on each other are worked out.

Owns the algorithm alone. Must not know policies.
"""

from collections.abc import Callable, Iterable


def components(
    start: Iterable[str], sources: Callable[[str], Iterable[str]]
) -> list[frozenset[str]]:
    """Return the nodes and all that lead to them, sources first; cycles stand together.

    Tarjan's algorithm (SIAM J. Comput. 1, 1972), without recursion.
    """
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    found: list[frozenset[str]] = []
    for root in start:
        if root in index:
            continue
        index[root] = lowest[root] = len(index)
        path.append(root)
        on_path.add(root)
        work = [(root, iter(sorted(sources(root))))]
        while work:
            current, rest = work[-1]
            for source in rest:
                if source not in index:
                    index[source] = lowest[source] = len(index)
                    path.append(source)
                    on_path.add(source)
                    work.append((source, iter(sorted(sources(source)))))
                    break
                if source in on_path:
                    lowest[current] = min(lowest[current], index[source])
            else:
                work.pop()
                if work:
                    above = work[-1][0]
                    lowest[above] = min(lowest[above], lowest[current])
                if lowest[current] == index[current]:
                    cut = path.index(current)
                    found.append(frozenset(path[cut:]))
                    on_path.difference_update(path[cut:])
                    del path[cut:]
    return found
