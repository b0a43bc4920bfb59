"""Data for the notebooks: `load_captions("scenes")`, `load_object_images("scenes")` and so on."""

from cs231n_utils.data.captions import CaptionData, CaptionSplit, UnknownDataset, load_captions
from cs231n_utils.data.objects32 import ObjectData, ObjectSplit, load_object_images

__all__ = [
    "CaptionData",
    "CaptionSplit",
    "ObjectData",
    "ObjectSplit",
    "UnknownDataset",
    "load_captions",
    "load_object_images",
]
