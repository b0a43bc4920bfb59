"""Is everything there? Run it once, before the first notebook:

    python -m cs231n_utils.ready

It imports what the notebooks import, makes some data, draws a picture, and asks one question of
each notebook's checks. Nothing is downloaded. It ends with status 1 when something is missing.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from .vision import import_torchvision

PACKAGES = {
    "numpy": "numpy",
    "matplotlib": "matplotlib",
    "torch": "torch",
    "torchvision": "torchvision",
    "safetensors": "safetensors",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "IPython": "ipython",
    "jupyterlab": "jupyterlab",
    "ipykernel": "ipykernel",
}
OLDEST_PYTHON = (3, 11)


def python_is_new_enough() -> str:
    """Python itself."""
    if sys.version_info < OLDEST_PYTHON:
        raise RuntimeError(f"Python must be 3.11 or newer. Got {sys.version.split()[0]}")
    return sys.version.split()[0]


def packages_are_there() -> str:
    """What the notebooks import."""
    import_torchvision()  # also beside a torch that it was not built for
    for module in PACKAGES:
        importlib.import_module(module)
    return ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "jupyterlab"))


def notebooks_are_there() -> str:
    """The notebooks, where they were unpacked."""
    folder = Path(__file__).resolve().parents[1] / "assignments"
    found = sorted(folder.glob("*/*.ipynb")) or sorted(Path("assignments").glob("*/*.ipynb"))
    if not found:
        raise FileNotFoundError("run this in the folder that holds assignments/")
    return f"{len(found)} notebooks"


def checks_answer() -> str:
    """One exercise of each notebook is checked; without a notebook the answer is `run its cell`."""
    from . import checking, transcripts

    first: dict[str, str] = {}
    for name, transcript in transcripts.everything().items():
        first.setdefault(transcript["assignment"], name)
    for name in first.values():
        if checking.examine(name, {}).first.kind != "missing":
            raise RuntimeError(f'check("{name}") must ask for the cell to be run')
    if not first:
        raise FileNotFoundError("cs231n_utils/checks must hold recordings")
    return f"{len(transcripts.everything())} exercises"


def data_can_be_made() -> str:
    """A scene is painted, and a picture of it drawn."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    from .data.scene_render import render_scenes
    from .data.scenes import sample_scenes

    images = render_scenes(sample_scenes(2, seed=0))
    with tempfile.TemporaryDirectory() as folder:
        plt.imsave(Path(folder) / "scene.png", images[0])
    return f"a scene of {images.shape[1]} x {images.shape[2]} pixels"


STEPS: dict[str, Callable[[], str]] = {
    "Python": python_is_new_enough,
    "packages": packages_are_there,
    "notebooks": notebooks_are_there,
    "checks": checks_answer,
    "data": data_can_be_made,
}


def main() -> int:
    """Go through the steps and tell how each went; return 1 when one failed."""
    failed = 0
    for name, step in STEPS.items():
        began = time.perf_counter()
        try:
            print(f"ok      {name:10} {step()} ({time.perf_counter() - began:.1f} s)", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAILED  {name:10} {type(error).__name__}: {error}", flush=True)
    print("Everything is there." if not failed else "Install what is missing, then try again.")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
