"""What tests of every area share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a test after its bytes' number, not after the bytes.

    gzip writes the time of day into what it makes, so the two processes of `make test`, which
    collect a second apart, would have other names for one test, and pytest-xdist stops there.
    """
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT
