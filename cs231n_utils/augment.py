"""SimCLR's random changes of pictures, a whole minibatch at a time, on the pictures' device.

torchvision's transforms change one picture after another, which takes longer than training a small
network on them. Here every picture still has random numbers of its own, and the same changes in
distribution as `torchvision.transforms` makes them of PIL images, but all are computed together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

# Per channel, over many photographs: what the pictures are normalised by.
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2023, 0.1994, 0.2010)
LUMA = (0.299, 0.587, 0.114)
TRIES = 10  # draws of a crop until one fits into the picture, as in torchvision
CHUNK = 128  # pictures changed at once on a CPU, so that its cache holds them


def to_floats(images: np.ndarray | torch.Tensor, device: str | torch.device = "cpu"):
    """Return pictures, uint8 (N, H, W, 3), as a float32 tensor (N, 3, H, W) between 0 and 1."""
    images = torch.as_tensor(images)
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != torch.uint8:
        raise ValueError(
            "images must be uint8 of shape (N, H, W, 3). "
            f"Got {images.dtype} of shape {tuple(images.shape)}"
        )
    return images.to(device).permute(0, 3, 1, 2).float().div_(255)


def normalise(pictures: torch.Tensor) -> torch.Tensor:
    """Return pictures (N, 3, H, W) between 0 and 1 with MEAN taken off, divided by STD."""
    return normalise_(pictures.clone())


def normalise_(pictures: torch.Tensor) -> torch.Tensor:
    """Do as `normalise`, in place; return the same tensor."""
    mean, std = (pictures.new_tensor(part).view(3, 1, 1) for part in (MEAN, STD))
    return pictures.sub_(mean).div_(std)


@dataclass(frozen=True)
class Augmentation:
    """Crop, mirror, change the colours of, and normalise a minibatch of pictures.

    size: side of the square that a crop becomes. scale: smallest and largest share of the area that
    is kept. ratio: of width to height. flip: probability of mirroring. jitter: how far brightness,
    contrast, saturation and hue move; jitter_p: how often they do. grey: probability that all
    colour goes. Fields that are 0 leave the step out.

    Example:
        augment = Augmentation()
        x_i, x_j = augment(pictures, generator), augment(pictures, generator)
    """

    size: int = 32
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1)
    jitter_p: float = 0.8
    grey: float = 0.2
    normalised: bool = True

    def __call__(
        self, pictures: torch.Tensor, generator: torch.Generator | None = None
    ) -> torch.Tensor:
        """Return changed pictures, (N, 3, size, size).

        pictures: float (N, 3, H, W) between 0 and 1; they are not changed themselves.
        generator: where the random numbers come from; on the CPU, wherever the pictures are.
        """
        if pictures.ndim != 4 or pictures.shape[1] != 3 or not pictures.is_floating_point():
            raise ValueError(
                "pictures must be floats of shape (N, 3, H, W). "
                f"Got {pictures.dtype} of shape {tuple(pictures.shape)}"
            )
        num, device = len(pictures), pictures.device
        drawn = self._draw(num, *pictures.shape[2:], generator).sorted().to(device)
        # How many pictures turn their hue before the first change, before the second, ...
        ends = torch.searchsorted(drawn.when, torch.arange(5, device=device)).tolist()
        pictures = pictures.index_select(0, drawn.rows)
        out = pictures.new_empty(num, 3, self.size, self.size)
        size = CHUNK if device.type == "cpu" else max(1, num)
        for start in range(0, num, size):
            rows = slice(start, start + size)
            part, mine = out[rows], drawn.take(rows)
            crop(pictures[rows], mine.boxes, mine.flipped, out=part)
            self._colour(part, mine, [min(max(end - start, 0), len(part)) for end in ends])
            if self.normalised:
                normalise_(part)
        return out.index_select(0, drawn.rows.argsort())

    def _colour(self, pictures: torch.Tensor, drawn: _Drawn, ends: list[int]) -> None:
        """Change colours in place; `ends` says where each group of the same `when` begins."""
        for place in range(4):
            rows = slice(ends[place], ends[place + 1])
            if rows.start < rows.stop:
                turn_hue(pictures[rows], drawn.factors[3, rows])
            if place < 3 and ends[4]:
                kind = drawn.order[place : place + 1, : ends[4]]
                factors = drawn.factors[:3, : ends[4]].gather(0, kind)
                blend(pictures[: ends[4]], kind[0], factors[0])
        if self.grey:
            grey = drawn.grey.nonzero().flatten()
            pictures[grey] = luma(pictures[grey]).expand(-1, 3, -1, -1)

    def _draw(self, num: int, height: int, width: int, generator: torch.Generator | None) -> _Drawn:
        """Draw what becomes of `num` pictures."""

        def uniform(*shape: int) -> torch.Tensor:
            return torch.rand(*shape, generator=generator)

        when = torch.randint(4, (num,), generator=generator)
        when[uniform(num) >= self.jitter_p] = 4
        spread = torch.tensor(self.jitter)[:, None]
        return _Drawn(
            rows=torch.arange(num),
            boxes=draw_boxes(num, height, width, self.scale, self.ratio, generator),
            flipped=uniform(num) < self.flip,
            order=uniform(3, num).argsort(dim=0),
            when=when,
            factors=torch.tensor([1.0, 1.0, 1.0, 0.0])[:, None]
            + spread * (2 * uniform(4, num) - 1),
            grey=uniform(num) < self.grey,
        )


@dataclass(frozen=True)
class _Drawn:
    """Random numbers for n pictures.

    rows (n,): which picture each is for. boxes (n, 4) and flipped (n,) bool: see `crop`.
    order (3, n): which blend (0 to 2, as in `blend`) comes first, second, third. when (n,): before
    which of them the hue turns; 3 after all, 4 if no colour changes. factors (4, n): of the three
    blends, and the turn of the hue. grey (n,) bool: whether all colour goes.
    """

    rows: torch.Tensor
    boxes: torch.Tensor
    flipped: torch.Tensor
    order: torch.Tensor
    when: torch.Tensor
    factors: torch.Tensor
    grey: torch.Tensor

    def sorted(self) -> _Drawn:
        """Return the same with pictures whose hue turns at the same time side by side."""
        return self.take(self.when.argsort())

    def take(self, rows: slice | torch.Tensor) -> _Drawn:
        """Return the numbers of some pictures."""
        long = {"order", "factors"}
        return _Drawn(
            **{
                name: part[:, rows] if name in long else part[rows]
                for name, part in vars(self).items()
            }
        )

    def to(self, device: torch.device) -> _Drawn:
        """Return the same on another device."""
        return _Drawn(**{name: part.to(device) for name, part in vars(self).items()})


def draw_boxes(
    num: int,
    height: int,
    width: int,
    scale: tuple[float, float],
    ratio: tuple[float, float],
    generator: torch.Generator | None = None,
) -> torch.Tensor:
    """Draw a crop for each picture: top, left, height, width in whole pixels, (num, 4) float.

    Area and shape are drawn until the crop fits; after TRIES in vain it is the largest one in the
    middle, of a shape within `ratio`.
    """
    area = height * width * torch.empty(num, TRIES).uniform_(*scale, generator=generator)
    bounds = [math.log(part) for part in ratio]
    shape = torch.empty(num, TRIES).uniform_(*bounds, generator=generator).exp()
    wide, tall = (area * shape).sqrt().round(), (area / shape).sqrt().round()
    fits = (wide >= 1) & (wide <= width) & (tall >= 1) & (tall <= height)
    first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
    wide, tall = wide.gather(1, first)[:, 0], tall.gather(1, first)[:, 0]
    places = torch.rand(2, num, generator=generator)
    top = (places[0] * (height - tall + 1)).floor()
    left = (places[1] * (width - wide + 1)).floor()
    boxes = torch.stack([top, left, tall, wide], dim=1)
    whole = min(max(width / height, ratio[0]), ratio[1])  # the nearest shape that is allowed
    tall, wide = min(height, round(width / whole)), min(width, round(height * whole))
    middle = torch.tensor([(height - tall) // 2, (width - wide) // 2, tall, wide])
    return torch.where(fits.any(dim=1, keepdim=True), boxes, middle.to(boxes.dtype))


def crop(
    pictures: torch.Tensor, boxes: torch.Tensor, flipped: torch.Tensor, out: torch.Tensor
) -> None:
    """Cut `boxes` (N, 4) out of pictures (N, 3, H, W) and stretch each into `out` (N, 3, S, S).

    Bilinear, and smoothed where a crop becomes smaller, as Pillow does it. Where `flipped` (N,),
    left is right. Rows and columns are mixed one after the other, so each is a product of matrices.
    """
    top, left, tall, wide = boxes.to(pictures.dtype).unbind(1)
    num, _, height, width = pictures.shape
    size = out.shape[3]
    across = _weights(left, wide, width, size, flipped)
    down = _weights(top, tall, height, size, torch.zeros_like(flipped))
    halfway = torch.bmm(pictures.reshape(num, 3 * height, width), across.transpose(1, 2))
    torch.matmul(down[:, None], halfway.view(num, 3, height, size), out=out)


def _weights(
    start: torch.Tensor, length: torch.Tensor, total: int, size: int, turned: torch.Tensor
) -> torch.Tensor:
    """Return how much of each of `total` pixels goes into each of `size`, (N, size, total)."""
    pixel = torch.arange(total, device=start.device, dtype=start.dtype)
    place = torch.arange(size, device=start.device, dtype=start.dtype) + 0.5
    place = torch.where(turned[:, None], size - place, place)
    step = (length / size)[:, None]
    first = start[:, None]
    centre = first + place * step - 0.5
    if total <= size:  # a crop can only grow
        centre = torch.clamp(centre, first, first + length[:, None] - 1)
        return (pixel - centre[:, :, None]).abs_().neg_().add_(1).clamp_(min=0)
    weights = (pixel - centre[:, :, None]).abs_().div_(step.clamp(min=1)[:, :, None])
    weights = weights.neg_().add_(1).clamp_(min=0)
    weights *= ((pixel >= first) & (pixel < first + length[:, None]))[:, None]
    return weights / weights.sum(dim=2, keepdim=True)


def luma(pictures: torch.Tensor) -> torch.Tensor:
    """Return the brightness of pictures (N, 3, H, W) as the eye sees it, (N, 1, H, W)."""
    red, green, blue = pictures.unbind(1)
    return (red * LUMA[0]).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])[:, None]


def blend(pictures: torch.Tensor, kind: torch.Tensor, factor: torch.Tensor) -> None:
    """Change pictures (n, 3, H, W) in place: brightness, contrast or saturation.

    kind (n,): 0 moves the colours away from black, or towards it; 1 from the picture's mean
    brightness; 2 from the grey of each pixel's own brightness. factor (n,): how far; 1 is nothing.
    """
    keep = factor[:, None, None, None]
    grey = luma(pictures)
    mean = grey.mean(dim=(2, 3), keepdim=True)
    per_pixel, per_picture = ((kind == i).to(grey.dtype)[:, None, None, None] for i in (2, 1))
    target = grey.mul_(per_pixel * (1 - keep)).add_(mean * (per_picture * (1 - keep)))
    pictures.mul_(keep).add_(target).clamp_(0, 1)


def turn_hue(pictures: torch.Tensor, turn: torch.Tensor) -> None:
    """Turn the hue (of HSV) of pictures (n, 3, H, W) in place; saturation and value stay.

    turn (n,): as a share of the full circle. The hue is kept as an angle from red, in sixths of
    the circle: green is at 2 and blue at -2. How far away it is follows from the colours without
    asking which is the largest, and this is several times quicker than asking.
    """
    red, green, blue = pictures.unbind(1)
    least = torch.minimum(red, green)
    chroma = torch.maximum(red, green)
    torch.maximum(chroma, blue, out=chroma)
    torch.minimum(least, blue, out=least)
    chroma.sub_(least)
    hue = (green + blue).sub_(red).sub_(least).div_(chroma.clamp(min=1e-8)).add_(1)
    hue.copysign_(green - blue).add_(6 * turn[:, None, None])
    hue.sub_((hue / 6).round_(), alpha=6)
    for colour, place in ((red, 0), (green, 2), (blue, -2)):
        # Three sixths less the distance between the hue and this colour's place, on the circle.
        near = (hue - place).abs_().sub_(3).abs_()
        torch.addcmul(least, chroma, near.sub_(1).clamp_(0, 1), out=colour)
