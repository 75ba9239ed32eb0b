"""A service whose supervisor is killed outright: its workers end, and the port is free again."""

import time
from pathlib import Path

import httpx

from service import PLAIN, service

ENDS_WITHIN_S = 30.0
"""A second until it is noticed, and the rest for a machine that does much else."""


def test_workers_end_with_their_supervisor(database_url: str, tmp_path: Path) -> None:
    """Kill -9 of the main process alone leaves nobody behind who answers."""
    with service(database_url, tmp_path, workers="2") as running:
        running.kill_supervisor()

        deadline = time.monotonic() + ENDS_WITHIN_S
        while _answers(running.url) and time.monotonic() < deadline:
            time.sleep(0.2)

        assert not _answers(running.url)
        log = (tmp_path / "service.log").read_text()
        assert log.count("service.worker.orphaned") == 2


def _answers(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/health/live", timeout=2, verify=PLAIN)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK
