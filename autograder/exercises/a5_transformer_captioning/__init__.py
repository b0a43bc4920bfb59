"""Transformer captioning and a vision transformer, in PyTorch."""

ORDER = [
    "positional_encoding",
    "multi_head_attention",
    "transformer_decoder_layer",
    "captioning_transformer",
    "patch_embedding",
    "transformer_encoder_layer",
    "vision_transformer",
]
