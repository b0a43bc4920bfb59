"""What exercises forbid that are to be solved in NumPy, by hand."""

from autograder.exercise import Shortcut

# Derivatives are to be worked out: neither by a library nor numerically.
NUMPY_ONLY = ("torch", "jax", "autograd", "tensorflow", "cs231n_utils.gradient_check")

BEGIN = "    ### BEGIN SOLUTION\n"
TORCH = Shortcut(
    "torch works it out",
    swap=(BEGIN, f"{BEGIN}    import torch\n    torch.set_grad_enabled(True)\n"),
)
