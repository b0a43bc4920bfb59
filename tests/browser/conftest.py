"""One browser, one small class and one JupyterLab for all tests of this folder.

Screenshots are kept in build/shots, or where CS231N_SHOTS says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page

from autograder.sandbox import NoSandbox
from autograder.sandbox.backends import choose_backend

from .chromium import PATIENCE, asked_elsewhere, open_chromium
from .jupyter import Jupyter, start_jupyter
from .small_class import REPOSITORY, SmallClass, grade, hand_in, make_course

Shoot = Callable[[Page | Locator, str], Path]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def window(browser) -> Iterator[Callable[..., BrowserContext]]:
    """Open a window: a context with its own `asked`, the addresses elsewhere that it wanted."""
    with ExitStack() as stack:

        def open_window(allowed: str = "", **options) -> BrowserContext:
            context = stack.enter_context(browser.new_context(locale="en-GB", **options))
            context.set_default_timeout(PATIENCE)
            context.set_default_navigation_timeout(PATIENCE)
            context.asked = asked_elsewhere(context, allowed)
            return context

        yield open_window


@pytest.fixture(scope="session")
def shots() -> Path:
    """Where screenshots are kept: $CS231N_SHOTS, or build/shots, which git ignores."""
    folder = Path(os.environ.get("CS231N_SHOTS") or REPOSITORY / "build" / "shots").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def shoot(shots) -> Shoot:
    """Keep a picture of a page or of a part of it, under a name."""

    def take(what: Page | Locator, name: str, **options) -> Path:
        path = shots / f"{name}.png"
        what.screenshot(path=path, animations="disabled", **options)
        assert path.stat().st_size > 1000
        return path

    return take


@pytest.fixture(scope="package")
def course(browser, tmp_path_factory) -> Path:
    """A copy of the course's first assignment, in which a test may write. (First: the browser.)"""
    return make_course(tmp_path_factory.mktemp("browser") / "course")


@pytest.fixture(scope="package")
def small_class(course) -> SmallClass:
    """Three students, handed in and graded by the command that a teacher types."""
    try:
        choose_backend("auto")
    except NoSandbox as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    hand_in(course)
    grade(course)
    return SmallClass(course)


@pytest.fixture(scope="package")
def jupyter(course, tmp_path_factory) -> Iterator[Jupyter]:
    """A JupyterLab of its own, started in the course's folder."""
    with start_jupyter(course, tmp_path_factory.mktemp("jupyter")) as jupyter:
        yield jupyter
