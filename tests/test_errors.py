"""What all errors have in common, whichever package they are of."""

import inspect
import pickle
import pkgutil
from importlib import import_module
from string import Formatter
from typing import Any

import pytest

import timeline


def _errors() -> list[type[Any]]:
    """Return every class of errors in the package."""
    found: set[type[Any]] = set()
    for module in pkgutil.walk_packages(timeline.__path__, "timeline."):
        if not module.name.endswith("__main__"):
            members = vars(import_module(module.name)).values()
            found |= {each for each in members if inspect.isclass(each) and _is_own(each)}
    return sorted(found, key=lambda each: f"{each.__module__}.{each.__name__}")


def _is_own(kind: type) -> bool:
    return issubclass(kind, Exception) and kind.__module__.startswith("timeline.")


def _made(kind: type[Any]) -> Any:
    """Return an error with all that its constructor needs, and what its message names."""
    taken = {} if kind.__init__ is Exception.__init__ else inspect.signature(kind).parameters
    facts: dict[str, Any] = dict.fromkeys(taken.keys() - {"facts"}, "7")
    if "headers" in taken:
        facts["headers"] = {"Allow": "GET"}
    if "facts" in taken:
        facts |= {name: "7" for _, name, _, _ in Formatter().parse(kind.__doc__ or "") if name}
    return kind(**facts)


@pytest.mark.parametrize("kind", _errors(), ids=lambda kind: kind.__name__)
def test_an_error_goes_from_one_process_to_another(kind: type[Any]) -> None:
    """It is of the same class there, says the same, and has the same facts."""
    error = _made(kind)
    error.add_note("where it came from")

    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - made just now

    assert type(arrived) is kind
    assert (str(arrived), vars(arrived)) == (str(error), vars(error))


def test_there_are_errors_of_every_package_that_has_a_root() -> None:
    """So that the rule above is about all of them."""
    packages = {kind.__module__.split(".")[1] for kind in _errors()}

    assert packages >= {
        "application",
        "cli",
        "client",
        "domain",
        "eventstore",
        "http",
        "importers",
        "projections",
        "settings",
        "transparency",
    }
