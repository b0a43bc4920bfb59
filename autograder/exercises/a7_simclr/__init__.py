"""SimCLR: learning from pictures without labels, in PyTorch."""

ORDER = [
    "compute_train_transform",
    "cifar10_pair",
    "sim",
    "simclr_loss_naive",
    "sim_positive_pairs",
    "compute_sim_matrix",
    "simclr_loss_vectorized",
    "simclr_train",
    "load_encoder",
]
