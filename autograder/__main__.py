"""`python -m autograder`."""

import atexit
import gc
import sys

from .workers import prepare_workers, without_grammars

without_grammars()
if sys.argv[1:2] == ["grade"] and not any(
    word.startswith(("--scheduler", "--help")) for word in sys.argv
):
    prepare_workers()  # first of all: they import what they need while this process does

from .cli import main  # noqa: E402

if __name__ == "__main__":
    atexit.register(gc.freeze)  # to collect before the end takes a second, and frees nothing
    main()
