"""Style transfer: one picture painted in the style of another, in PyTorch."""

ORDER = [
    "content_loss",
    "gram_matrix",
    "style_loss",
    "tv_loss",
    "transfer_loss",
    "transfer_step",
]
