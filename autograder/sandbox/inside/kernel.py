"""`python -m sandbox_inside.kernel CONFIG`: an ordinary ipykernel, confined before it starts.

For other courses (autograder/kernel.py). It needs sockets, which the runner does not: those of the
protocol lie in a folder that is mounted for it, and one of its threads talks to another over its
own loopback. So they are allowed; the network namespace is empty.
"""

from __future__ import annotations

import collections
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from .confine import confine
from .folders import copy_in
from .rights import give_up_rights

PIECE = 200_000  # characters of printed text in one message
AHEAD = 5 * PIECE  # characters that a cell may print before they are sent


def print_in_pieces() -> None:
    """Let what a cell prints travel in pieces, and wait for them: ipykernel would collect the
    gigabytes of an endless loop, and send them as one message, which is too large to be passed on.
    """
    from ipykernel.iostream import OutStream

    write, whole = OutStream.write, OutStream._flush_buffers
    ahead = collections.Counter()

    def write_and_wait(self: OutStream, text: str) -> int:
        count = write(self, text)
        ahead[self.name] += len(text)
        if ahead[self.name] > AHEAD:
            ahead[self.name] = 0
            self.flush()
        return count

    def pieces(self: OutStream) -> Iterator[tuple[dict[str, Any], str]]:
        for parent, text in whole(self):
            for start in range(0, len(text), PIECE):
                yield parent, text[start : start + PIECE]

    OutStream.write, OutStream._flush_buffers = write_and_wait, pieces


def interrupt_cells_only() -> None:
    """Let an interrupt stop a cell's code, and nothing around it: one that comes when the code has
    just ended would stop ipykernel's own work, and no cell would ever run again.
    """
    from ipykernel.kernelbase import Kernel
    from IPython.core.interactiveshell import InteractiveShell

    run_code = InteractiveShell.run_code

    async def run_interruptibly(self: InteractiveShell, *arguments: Any, **options: Any) -> bool:
        # Where there is a handler already, ipykernel stops an asynchronous cell by it.
        ours = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        ours = ours and threading.current_thread() is threading.main_thread()
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return await run_code(self, *arguments, **options)
        finally:
            if ours:
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    InteractiveShell.run_code = run_interruptibly
    Kernel.pre_handler_hook = Kernel.post_handler_hook = lambda self: None


def main(config_text: str) -> None:
    """Confine this process, then become the kernel. `config_text` is JSON, made by a backend."""
    config = json.loads(config_text)
    give_up_rights(config)
    copy_in(config["copies"])
    os.chdir(config["job"])
    sys.path.append(config["job"])  # last, as in the runner
    # Imported before the walls close: some modules look for programs when they are imported.
    import matplotlib_inline.backend_inline  # noqa: F401
    from ipykernel.kernelapp import IPKernelApp

    print_in_pieces()
    interrupt_cells_only()
    confine(config | {"sockets": True})
    options = ["-f", config["connection_file"], "--HistoryManager.enabled=False"]
    IPKernelApp.launch_instance(argv=options)


if __name__ == "__main__":
    main(sys.argv[1])
