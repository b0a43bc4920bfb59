"""Image features for the scenes, from a small network that this course trained itself.

The weights and how they were made: datasets/README.md and datasets/train_scene_encoder.py.
torch is imported by the functions that need it, so that `import cs231n_utils` stays quick.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from cs231n_utils.data.scene_network import SceneNetwork

WEIGHTS = Path(__file__).parent / "data" / "scene_encoder.safetensors"
FEATURE_DIM = 256
PCA_DIM = 128


class WrongWeights(ValueError):
    """The file does not hold exactly the weights of the scene encoder."""


def load_encoder(path: str | Path = WEIGHTS) -> SceneNetwork:
    """Return the trained network, ready for use.

    Raises FileNotFoundError when there is no such file, WrongWeights when a weight is missing, is
    unexpected or has another shape.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from cs231n_utils.data.scene_network import SceneNetwork

    if not Path(path).is_file():
        raise FileNotFoundError(f"The weights of the scene encoder are not there. Got {path}")
    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise WrongWeights(f"{path} is not a safetensors file: {error}") from None
    network = SceneNetwork()
    try:
        # Strict: a weight that is missing or has no place is an error, never skipped silently.
        # Large weights are stored in half precision; loading turns them into float32.
        network.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        raise WrongWeights(f"{path} does not fit the scene encoder. {error}") from None
    return network.eval()


def encoder_card(path: str | Path = WEIGHTS) -> dict:
    """Return what was recorded with the weights: seed, images seen, accuracy on unseen scenes."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return json.loads(file.metadata()["card"])


def encode_images(
    network: SceneNetwork, images: np.ndarray, *, pca: bool = True, batch_size: int = 100
) -> np.ndarray:
    """Return features of images, uint8 (N, 64, 64, 3): float32 (N, 128); without PCA (N, 256)."""
    import torch

    if images.ndim != 4 or images.shape[1:] != (64, 64, 3) or images.dtype != np.uint8:
        raise ValueError(
            "images must be uint8 of shape (N, 64, 64, 3). "
            f"Got {images.dtype} of shape {images.shape}"
        )
    features = np.empty((len(images), PCA_DIM if pca else FEATURE_DIM), dtype=np.float32)

    @torch.inference_mode()
    def encode(start: int) -> None:
        batch, _, _ = network(to_tensor(images[start : start + batch_size]))
        batch = network.project(batch) if pca else batch
        features[start : start + batch_size] = batch.numpy()

    # Whole batches side by side, each on one thread. Threads that share every small layer wait for
    # each other, which on a busy machine made this four times slower.
    threads = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(encode, range(0, len(images), batch_size)))
    finally:
        torch.set_num_threads(threads)
    return features


def to_tensor(images: np.ndarray):
    """Return images, uint8 (N, H, W, 3), as a float32 tensor (N, 3, H, W) between -1 and 1."""
    import torch

    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
