#!/bin/sh
# Make .venv with this machine's Python, and install the course into it as pyproject.toml says.
set -eu
here=$(dirname "$0")
python=$("$here/find_python.sh")
# Debian and Ubuntu keep a part of venv in a package of its own.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    "$here/install.sh" "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
fi
"$python" -m venv .venv
echo "Installing the course's packages into .venv (a few minutes the first time)"
.venv/bin/python -m pip install --quiet --editable ".[dev]"
