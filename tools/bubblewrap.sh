#!/bin/sh
# Install bubblewrap, the sandbox that a student's code is run in. The notebooks need none, so a
# machine that cannot have it is told so and goes on; the autograder itself refuses to grade there.
set -eu
here=$(dirname "$0")
if [ "$(uname -s)" != Linux ]; then
    echo "Bubblewrap is for Linux: you can do the notebooks here, but not grade submissions." >&2
    exit 0
fi
if ! command -v bwrap >/dev/null 2>&1 && ! "$here/install.sh" bubblewrap; then
    echo "Without bubblewrap you can do the notebooks, but not grade submissions." >&2
    exit 0
fi
if ! bwrap --unshare-user --ro-bind / / true 2>/dev/null; then
    echo "Bubblewrap is installed, but this machine does not let it make a user namespace," >&2
    echo "so you can do the notebooks, but not grade submissions." >&2
    if [ -e /proc/sys/kernel/apparmor_restrict_unprivileged_userns ]; then
        echo "To allow it for bubblewrap alone (Ubuntu 24.04 and later):" >&2
        echo "    sudo $here/allow_bubblewrap.sh" >&2
    fi
fi
