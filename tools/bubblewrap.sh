#!/bin/sh
# Install bubblewrap, the sandbox that a student's code is run in. The notebooks need none, so a
# machine that cannot have it is told so and goes on; the autograder itself refuses to grade there.
set -eu
here=$(dirname "$0")
command -v bwrap >/dev/null 2>&1 && exit 0
if [ "$(uname -s)" != Linux ]; then
    echo "Bubblewrap is for Linux: you can do the notebooks here, but not grade submissions." >&2
    exit 0
fi
"$here/install.sh" bubblewrap ||
    echo "Without bubblewrap you can do the notebooks, but not grade submissions." >&2
