"""Open the first notebook in a running JupyterLab, write the first answer, and run up to its check.

    python first_exercise.py '{"url": "http://localhost:8888/", "token": "..."}'

in the course's folder. The cells are run in the kernel that JupyterLab starts for the notebook.
The exit status is 1 where the check does not call the answer right.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient

NOTEBOOK = "a1_rnn_captioning/rnn_captioning.ipynb"
EXERCISE = "rnn_step_forward"
PATIENCE = 600
"""Seconds for one cell."""


def ask(server: dict[str, Any], path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask JupyterLab as its page in a browser does, and return its answer."""
    request = urllib.request.Request(
        f"{server['url']}api/{path}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {server['token']}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def written_answer() -> str:
    """Return the answer that our solution gives."""
    cells = json.loads(Path("solutions", NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    return "".join(next(cell["source"] for cell in cells if cell["id"] == EXERCISE))


def first_cells(notebook: dict[str, Any], answer: str) -> list[str]:
    """Return the code up to the first check, with the answer in its place."""
    sources = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            sources.append(answer if cell["id"] == EXERCISE else "".join(cell["source"]))
        if cell["id"] == f"{EXERCISE}-check":
            return sources
    raise SystemExit(f"{NOTEBOOK} has no check of {EXERCISE}")


def run_cell(client: BlockingKernelClient, source: str) -> str:
    """Run a cell, and return what it shows as text; an error ends the program."""
    shown: list[str] = []

    def collect(message: dict[str, Any]) -> None:
        content = message["content"]
        shown.append(content.get("text") or content.get("data", {}).get("text/plain") or "")

    reply = client.execute_interactive(source, output_hook=collect, timeout=PATIENCE)["content"]
    if reply["status"] != "ok":
        raise SystemExit("\n".join([*shown, f"{reply['ename']}: {reply['evalue']}"]))
    return "\n".join(filter(None, shown))


def main() -> None:
    """Do what the first lines of this file say."""
    server = json.loads(sys.argv[1])
    path = f"assignments/{NOTEBOOK}"
    notebook = ask(server, f"contents/{path}")["content"]
    session = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
    kernel = ask(server, "sessions", session)["kernel"]["id"]
    client = BlockingKernelClient(
        connection_file=str(Path(os.environ["JUPYTER_RUNTIME_DIR"], f"kernel-{kernel}.json"))
    )
    client.load_connection_file()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
        for source in first_cells(notebook, written_answer()):
            said = run_cell(client, source)
    finally:
        client.stop_channels()
    print(said)
    if f"{EXERCISE} is right" not in said:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
