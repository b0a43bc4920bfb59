#!/bin/sh
# Find a Chromium for the browser tests, or install one. They are skipped where there is none, so a
# machine that cannot have it is told so and goes on. tests/browser/chromium.py looks in the same places.
set -eu
here=$(dirname "$0")
found() {
    for name in ${CHROMIUM:+"$CHROMIUM"} chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        "${HOME:-}"/.cache/ms-playwright/chromium-*/chrome-linux*/chrome; do
        # A name may exist and not run: Ubuntu's chromium-browser may only ask for a snap.
        "$name" --version >/dev/null 2>&1 && return 0
    done
    return 1
}
if found; then
    exit 0
fi
if [ "$(uname -s)" != Linux ]; then
    echo "No Chromium or Chrome was found: the browser tests will be skipped. Install one to run them." >&2
elif ! "$here/install.sh" chromium || ! found; then
    echo "Without Chromium the browser tests will be skipped. Any Chrome or Chromium will do:" >&2
    echo "one with another name in the environment variable CHROMIUM, or Playwright's own:" >&2
    echo "    .venv/bin/python -m playwright install --with-deps chromium" >&2
fi
exit 0
