"""Pictures a second: SimCLR's changes of a whole minibatch, and of one PIL image after another.

    python benchmarks/augmentation.py

Both are timed in turns, in one run, so that other work on the computer slows down both.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from PIL import Image

from cs231n_utils.augment import MEAN, STD, Augmentation, to_floats
from cs231n_utils.data.objects32 import load_objects
from cs231n_utils.vision import import_torchvision

import_torchvision()
from torchvision import transforms  # noqa: E402


def pil_pipeline() -> transforms.Compose:
    """Return the same changes from torchvision, for one PIL image."""
    augment = Augmentation()
    jitter = transforms.ColorJitter(*augment.jitter)
    return transforms.Compose(
        [
            transforms.RandomResizedCrop(augment.size, augment.scale, augment.ratio),
            transforms.RandomHorizontalFlip(augment.flip),
            transforms.RandomApply([jitter], augment.jitter_p),
            transforms.RandomGrayscale(augment.grey),
            transforms.ToTensor(),
            transforms.Normalize(MEAN, STD),
        ]
    )


def main() -> None:
    """Print both speeds and how many times quicker the minibatch is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images = load_objects(options.batch_size, 1, seed=0).train.images
    pipeline, augment = pil_pipeline(), Augmentation()
    generator = torch.Generator().manual_seed(0)

    def one_by_one() -> torch.Tensor:
        return torch.stack([pipeline(Image.fromarray(image)) for image in images])

    def together() -> torch.Tensor:
        changed = augment(to_floats(images, options.device), generator)
        if changed.is_cuda:
            torch.cuda.synchronize()
        return changed

    seconds: dict[str, list[float]] = {"one by one, PIL": [], "together, tensors": []}
    for _ in range(options.rounds):
        for name, change in zip(seconds, (one_by_one, together), strict=True):
            start = time.perf_counter()
            change()
            seconds[name].append(time.perf_counter() - start)
    # The first round warms up; the median forgets moments in which other programs ran.
    middle = {name: float(np.median(times[1:])) for name, times in seconds.items()}
    print(f"{options.batch_size} pictures of 32 x 32 at once, {options.threads} thread(s)\n")
    print("| changed | pictures a second |\n|---|---|")
    for name, time_taken in middle.items():
        print(f"| {name} | {options.batch_size / time_taken:,.0f} |")
    slow, quick = middle.values()
    print(f"\n{slow / quick:.1f} times quicker together")


if __name__ == "__main__":
    main()
