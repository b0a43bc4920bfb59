"""Looking into a network: saliency, fooling, pictures of classes and features, in PyTorch."""

ORDER = [
    "compute_saliency_maps",
    "occlusion_map",
    "guided_relu",
    "make_fooling_image",
    "class_visualization_update_step",
    "inversion_loss",
    "receptive_field",
    "nearest_neighbours",
]
