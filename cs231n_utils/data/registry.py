"""What the course can download: one entry for each dataset. Sources: datasets/README.md."""

from __future__ import annotations

from cs231n_utils.data.download import Download

COCO_MEMBERS = (
    "coco2014_captions.h5",
    "coco2014_vocab.json",
    "train2014_urls.txt",
    "val2014_urls.txt",
    "train2014_vgg16_fc7.h5",
    "val2014_vgg16_fc7.h5",
    "train2014_vgg16_fc7_pca.h5",
    "val2014_vgg16_fc7_pca.h5",
)

DOWNLOADS = {
    download.name: download
    for download in (
        Download(
            name="coco",
            url="http://cs231n.stanford.edu/coco_captioning.zip",
            file_name="coco_captioning.zip",
            # No checksum is published (looked for in November 2026), so none is invented here.
            sha256=None,
            folder="coco_captioning",
            members=COCO_MEMBERS,
            about="captions of COCO 2014 with VGG-16 features; about 1 GB, 2.5 GB unpacked",
        ),
    )
}
