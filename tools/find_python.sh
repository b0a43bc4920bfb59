#!/bin/sh
# Print the first Python >= 3.11 on this machine; $PYTHON is tried first.
set -eu
for python in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11 python; do
    # A name may exist and not run (pyenv's shims do this), so it is asked, not looked up.
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "$python"
        exit 0
    fi
done
echo "This course needs Python 3.11 or newer, and none was found." >&2
echo "Install one, then run make again; or name yours: make setup PYTHON=/path/to/python3.12" >&2
exit 1
