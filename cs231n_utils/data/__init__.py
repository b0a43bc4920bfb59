"""Data for the notebooks: `load_captions("scenes")` or `load_captions("coco")`."""

from cs231n_utils.data.captions import CaptionData, CaptionSplit, UnknownDataset, load_captions

__all__ = ["CaptionData", "CaptionSplit", "UnknownDataset", "load_captions"]
