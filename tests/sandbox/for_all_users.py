"""Root in a mount namespace where other users may run this interpreter, wherever it lies."""

import sys

USER = ("setpriv", "--reuid=1234", "--regid=1234", "--clear-groups")
WITH_AN_INTERPRETER_FOR_ALL = """
set -e
prefix="$1"; top="/$(echo "$prefix" | cut -d/ -f2)"; shift
if ! setpriv --reuid=1234 --regid=1234 --clear-groups test -x "$prefix/bin"; then
    mkdir -p "$KEEP" && mount --bind "$prefix" "$KEEP"
    mount -t tmpfs -o mode=755 none "$top" && mkdir -p "$prefix" && mount --move "$KEEP" "$prefix"
fi
exec "$@"
"""


def where_all_may_run_it(command):
    """Return a command of root's as one that runs where every user may run this interpreter.

    It wants an empty place in the variable KEEP.
    """
    script = ["bash", "-c", WITH_AN_INTERPRETER_FOR_ALL, "bash", sys.base_prefix]
    return ["unshare", "--mount", *script, *command]
