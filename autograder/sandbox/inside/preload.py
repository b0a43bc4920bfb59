"""What the fork server imports once, so that no student's process has to."""

from __future__ import annotations

import contextlib
import importlib
import io
import pkgutil
import random
import sys
import tempfile
import warnings
from collections.abc import Iterable

COURSE = "cs231n_utils"
USUAL = ("torch", "matplotlib.pyplot", "torchvision.transforms", "PIL.Image", "tqdm.auto", COURSE)
"""What is imported when nobody says what notebooks import."""
# What these import when they are first used, and not before.
LATER = {
    "numpy": (
        "numpy.random numpy.linalg numpy.fft numpy.ma numpy.ma.extras numpy.testing "
        "numpy.polynomial"
    ).split(),
    "torch": "torch.nn.functional torch.optim torch.utils.data torch.testing".split(),
    "matplotlib": "matplotlib.backends.backend_agg matplotlib_inline.backend_inline".split(),
    "IPython": "IPython.core.completer IPython.core.magics IPython.display".split(),
}


def warm_up(modules: Iterable[str] | None = None) -> None:
    """Import what notebooks import, and use once what does more of that at its first use.

    What cannot be imported is left out: whoever needs it will be told.
    """
    from . import calls, runner, shell  # noqa: F401  (NumPy and IPython come with them)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in USUAL if modules is None else modules:
            _import(name)
        if modules is None:
            _import_all_of_the_course()
        for package, names in LATER.items():
            if package in sys.modules:
                for name in names:
                    _import(name)
        if "matplotlib" in sys.modules:
            _draw()
        if "torch" in sys.modules:
            _learn()
        shell.warm_up()


def _import(name: str) -> None:
    with contextlib.suppress(ImportError):
        if name.split(".")[0] == "torchvision":
            importlib.import_module(f"{COURSE}.vision").import_torchvision()
    with contextlib.suppress(ImportError):
        importlib.import_module(name)


def _import_all_of_the_course() -> None:
    with contextlib.suppress(ImportError):
        package = importlib.import_module(COURSE)
        for module in pkgutil.walk_packages(package.__path__, COURSE + "."):
            if not module.name.endswith("__main__"):
                _import(module.name)


def _draw() -> None:
    """Draw once: this finds the fonts."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot([1, 2], label="line")
    FigureCanvasAgg(figure).print_png(io.BytesIO())


def _learn() -> None:
    """Take one step with an optimizer: the first one imports much of torch."""
    import torch

    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.zeros(1, 2)).relu().sum().backward()
    optimizer.step()


def forget() -> None:
    """In a forked process: be as random as a new process is."""
    random.seed()
    tempfile.tempdir = tempfile._name_sequence = None
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].random.default_generator.seed()
