"""A service that holds the executive orders, recorded once for all tests that ask it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from executive_orders import Json, events, read_edges, read_orders
from executive_orders_service import get, record
from http_client import Client, running
from shared_files import shared
from timeline.importers.executive_orders import Edge, Order, policy_id


@pytest.fixture(scope="session")
def orders() -> list[Order]:
    """Return the orders."""
    return read_orders(shared("data/executive_orders.csv"))


@pytest.fixture(scope="session")
def edges() -> list[Edge]:
    """Return what the notes say of two orders each."""
    return read_edges(shared("data/us_eo_edges.csv"))


@pytest.fixture(scope="session")
def client(
    orders: list[Order],
    edges: list[Edge],
    migrated_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Client]:
    """Run a service that holds all orders and edges."""
    path = tmp_path_factory.mktemp("orders") / "timeline.db"
    shutil.copy(migrated_sqlite, path)
    with running(f"sqlite:///{path}") as client:
        record(client, list(events(orders, edges)))
        yield client


@pytest.fixture(scope="session")
def pages(client: Client, orders: list[Order]) -> dict[str, Json]:
    """Return each order's page, by number."""
    return {
        order.number: get(client, f"/v1/policies/{policy_id(order.number)}") for order in orders
    }
