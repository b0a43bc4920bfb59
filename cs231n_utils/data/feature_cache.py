"""Features of scenes, kept on disk so that a notebook's second run need not compute them again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import numpy as np

from cs231n_utils.data.photographs import PHOTOGRAPHS, photograph_path
from cs231n_utils.data.scenes import Scenes
from cs231n_utils.encoder import WEIGHTS

# The code that decides how a scene looks and what is seen in it.
CODE = ("photographs.py", "scene_network.py", "scene_render.py", "scene_shapes.py", "scenes.py")


def cached_features(
    scenes: Scenes, pca: bool, folder: Path, compute: Callable[[], np.ndarray]
) -> np.ndarray:
    """Return the features of scenes from `folder`, or compute them and keep them there.

    A file's name is a digest of all that the features depend on, so a change of scenes, code or
    weights never finds an old file. A folder that cannot be written to costs time, nothing else.
    """
    path = folder / f"{features_key(scenes, pca)}.npy"
    try:
        features = np.load(path, allow_pickle=False)
        if features.ndim == 2 and len(features) == len(scenes) and features.dtype == np.float32:
            return features
    except (OSError, ValueError, EOFError):
        pass  # not there, or damaged
    features = compute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"{path.stem}.{os.getpid()}.draft"
        with open(draft, "wb") as file:
            np.save(file, features)
        os.replace(draft, path)  # whole or not at all, whoever else writes
    except OSError:
        pass
    return features


def features_key(scenes: Scenes, pca: bool) -> str:
    """Return a digest of the scenes, the photographs, the code and the weights."""
    digest = hashlib.sha256(f"{pca} {np.__version__} {version('torch')}".encode())
    here = Path(__file__).parent
    files = [WEIGHTS, *(here / name for name in CODE), *map(photograph_path, PHOTOGRAPHS)]
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    for field in fields(scenes):
        digest.update(np.ascontiguousarray(getattr(scenes, field.name)).tobytes())
    return digest.hexdigest()[:40]
