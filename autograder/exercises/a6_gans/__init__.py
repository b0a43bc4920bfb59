"""Generative adversarial networks, in PyTorch."""

# Older handouts give these to their students, whose files of answers count on them. In the notebook
# bce_loss is an exercise; what a file or notebook defines itself takes the place of this.
HANDOUT_GIVES = """
from torch.autograd import Variable

def bce_loss(input, target):
    return F.binary_cross_entropy_with_logits(input, target)
"""

ORDER = [
    "sample_noise",
    "discriminator",
    "generator",
    "bce_loss",
    "discriminator_loss",
    "generator_loss",
    "get_optimizer",
    "ls_discriminator_loss",
    "ls_generator_loss",
    "build_dc_classifier",
    "build_dc_generator",
]
