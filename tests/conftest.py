"""What all tests share: no settings of the person who runs them, no deadline that a busy machine would miss, and examples that are the same each time.

``GITOPSC_EXPLORE=1`` lets the tests of properties look for new examples: for whoever looks for trouble, not for who needs to know that a change is good.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("explore", settings.get_profile("shared"), derandomize=False)
settings.load_profile("explore" if os.environ.get("GITOPSC_EXPLORE") else "shared")


@pytest.fixture(autouse=True)
def _nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("GITOPSC_", "GIT_")) and name != "GITOPSC_GOLDEN":
            monkeypatch.delenv(name)


SLOW = (
    "delivery",
    "repository",
    "test_determinism.py",
    "test_examples.py",
    "test_help.py",
    "test_incremental.py",
    "test_injection.py",
    "test_online_boutique.py",
    "test_staged_builds.py",
    "test_trust_b.py",
    "test_types.py",
    "test_wheel.py",
    "unit/test_cli_process.py",
    "unit/test_cluster_transport.py",
    "unit/test_diff_revisions.py",
    "unit/test_documents_fuzz.py",
    "unit/test_emit_readers.py",
    "unit/test_engine_attacks.py",
    "unit/test_engine_property.py",
    "unit/test_pool.py",
)
"""Whole commands, real Git repositories, processes and fuzzing: `make test` and CI run them, the inner loop does not."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what the inner loop leaves out."""
    here = Path(__file__).parent
    for item in items:
        if item.path.relative_to(here).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)
