"""Schemathesis against the running service: no 5xx, and no answer outside the schema."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service import service, timeline

STORY = Path(__file__).parents[2] / "examples" / "los-angeles.ndjson"
MAX_TIME_S = 45
MAX_EXAMPLES = 25
"""Of each operation, when it is fuzzed, which comes last. Few enough for each to have its turn on a
slow machine: what is written for every bound of the schema was sent before, in every run.
"""

LEFT_OUT = {
    "positive_data_acceptance": "a request can fit the schema and still be refused by the record",
    "negative_data_rejection": "unknown headers are taken, and NDJSON is refused in its answer",
    "unsupported_method": "HEAD and OPTIONS are answered for every route, by purpose",
}

CONFIG = """
# A position beyond the log's end is answered with the 503 that the API promises, after five
# seconds; that has a test of its own.
[parameters]
"header.Timeline-Min-Position" = "0"
"""

HOOKS = '''
"""Teaches Schemathesis to write NDJSON."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(ctx, value):
    lines = value if isinstance(value, list) else [value]
    return b"\\n".join(json.dumps(line).encode() for line in lines)

'''


@pytest.mark.timeout(240)
def test_no_answer_is_outside_the_schema(sqlite_url: str, tmp_path: Path) -> None:
    """Whatever is sent, the answer is one that the schema describes, and never a 5xx."""
    timeline("import", str(STORY), database_url=sqlite_url)
    token = timeline(
        "token", "create", "tester", "--role", "admin", database_url=sqlite_url
    ).strip()

    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    (tmp_path / "hooks.py").write_text(HOOKS)

    with service(sqlite_url, tmp_path) as running:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("schemathesis")),
                "run",
                f"{running.url}/schema/openapi.json",
                "--header",
                f"Authorization: Bearer {token}",
                "--checks",
                "all",
                "--exclude-checks",
                ",".join(LEFT_OUT),
                "--phases",
                "examples,coverage,fuzzing",
                "--max-examples",
                str(MAX_EXAMPLES),
                "--max-time",
                str(MAX_TIME_S),
                "--request-timeout",
                "10",
                "--generation-deterministic",
                "--no-color",
            ],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
