"""What worker processes have imported when they begin: the process that forks them imports this.

Nothing here starts a thread or opens a file: they would not survive, or be shared.
"""

from __future__ import annotations

import atexit
import gc

from autograder.workers import one_thread, without_grammars

one_thread()  # before NumPy and PyTorch look at how many they may have
without_grammars()
atexit.register(gc.freeze)  # as in begin_worker

import autograder.carried  # noqa: E402  (PyTorch comes with it)
import autograder.feedback_pages  # noqa: E402
import autograder.mistakes  # noqa: E402
import autograder.submission  # noqa: E402, F401
