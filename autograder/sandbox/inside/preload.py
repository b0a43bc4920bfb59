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

# NumPy imports some of its own parts when they are first used.
MODULES = (
    "numpy numpy.random numpy.linalg numpy.fft numpy.ma numpy.testing numpy.polynomial "
    "torch torch.nn.functional torch.optim torch.utils.data torch.testing "
    "matplotlib.pyplot matplotlib.backends.backend_agg matplotlib_inline.backend_inline PIL.Image "
    "IPython.core.completer IPython.core.magics IPython.display tqdm tqdm.auto"
).split()
COURSE = "cs231n_utils"


def warm_up() -> None:
    """Import what notebooks import, and use once what does more of that at its first use."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in MODULES:
            _import(name)
        _import_course()
        from . import calls, runner, shell  # noqa: F401

        _draw()
        _learn()


def _import(name: str) -> None:
    with contextlib.suppress(ImportError):  # a course need not install everything
        importlib.import_module(name)


def _import_course() -> None:
    """Import the modules that notebooks import from, which import what they need."""
    with contextlib.suppress(ImportError):
        importlib.import_module(f"{COURSE}.vision").import_torchvision()
        _import("torchvision.transforms")
    with contextlib.suppress(ImportError):
        package = importlib.import_module(COURSE)
        for module in pkgutil.walk_packages(package.__path__, COURSE + "."):
            if not module.name.endswith("__main__"):
                _import(module.name)


def _draw() -> None:
    """Draw once: this finds the fonts."""
    if "matplotlib" not in sys.modules:
        return
    import matplotlib

    before = dict(matplotlib.rcParams)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    figure.add_subplot().plot([1, 2], label="line")
    FigureCanvasAgg(figure).print_png(io.BytesIO())
    with contextlib.suppress(Exception):
        matplotlib.rcParams.update(before)


def _learn() -> None:
    """Take one step with an optimizer: the first one imports much of torch."""
    if "torch" not in sys.modules:
        return
    import torch

    torch.set_num_threads(1)
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(layer.parameters())
    layer(torch.zeros(1, 2)).relu().sum().backward()
    optimizer.step()


def forget() -> None:
    """In a forked process: be as random as a new process is."""
    random.seed()
    tempfile.tempdir = None
    tempfile._name_sequence = None
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].random.default_generator.seed()
