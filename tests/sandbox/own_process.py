"""Python code in a process of its own, which prints what it found as JSON."""

import json
import subprocess
import sys
import textwrap

from autograder.sandbox import mounts

ATTEMPT = """
import json, os, socket, subprocess
def attempt(function, *arguments):
    try:
        function(*arguments)
        return ""
    except OSError as error:
        return type(error).__name__
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
"""
"""For code that looks at its sandbox: "", or the exception with which it is refused."""


def found_by(code, said="", timeout=120):
    """Run code, give it a text to read, and return what it prints as JSON."""
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        input=said,
        cwd=mounts.GRADER.parent,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
