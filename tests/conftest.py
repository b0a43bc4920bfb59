"""What tests of every area share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def repository() -> Path:
    """The folder that holds pyproject.toml."""
    return ROOT
