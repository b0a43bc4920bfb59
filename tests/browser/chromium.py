"""A Chromium that is on this machine, driven by Playwright, and pages that reach nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Request, sync_playwright

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
NOTHING_ELSE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""No name has an address: what a page asks for elsewhere fails at once, on every machine alike."""
PATIENCE = 180_000
"""Milliseconds for a condition to come true: a busy machine must not fail a test."""


@cache
def find_chromium(own: str = "") -> str | None:
    """Return the first that runs of $CHROMIUM, the usual names and Playwright's own.

    tools/chromium.sh looks in the same places.
    """
    for name in (os.environ.get("CHROMIUM", ""), *NAMES, own):
        path = shutil.which(name)
        # A name may exist and not run: Ubuntu's chromium-browser may only ask for a snap.
        if path and subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    return None


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Run a headless Chromium; the test is skipped where there is none.

    Playwright's loop is this thread's running loop until the end, so no other test may come
    between.
    """
    with sync_playwright() as playwright:
        path = find_chromium(playwright.chromium.executable_path)
        if path is None:
            pytest.skip(
                "no Chromium on this machine: run tools/chromium.sh, or name one in $CHROMIUM"
            )
        browser = playwright.chromium.launch(
            executable_path=path, timeout=PATIENCE, args=[NOTHING_ELSE]
        )
        try:
            yield browser
        finally:
            browser.close()


def asked_elsewhere(context: BrowserContext, allowed: str = "") -> list[str]:
    """Return the growing list of addresses that pages asked for, which are none of ours.

    Ours are files, data in the page itself, and the host and port of the address `allowed`.
    """
    asked: list[str] = []

    def look(request: Request) -> None:
        url = urlsplit(request.url)
        own = allowed and url.netloc == urlsplit(allowed).netloc
        if not own and url.scheme not in ("file", "data", "blob"):
            asked.append(request.url)

    context.on("request", look)
    return asked
