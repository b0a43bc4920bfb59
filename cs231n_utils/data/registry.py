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

CIFAR10_MEMBERS = (
    *(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test_batch.bin",
    "batches.meta.txt",
)

# Where torchvision fetches them from, too; the sums are those that many projects publish.
MNIST_URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MNIST_FILES = {
    "mnist-train-images": (
        "train-images-idx3-ubyte.gz",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "60,000 handwritten digits; 10 MB",
    ),
    "mnist-train-labels": (
        "train-labels-idx1-ubyte.gz",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "which digits they are; 30 kB",
    ),
    "mnist-test-images": (
        "t10k-images-idx3-ubyte.gz",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "10,000 digits to test on; 2 MB",
    ),
    "mnist-test-labels": (
        "t10k-labels-idx1-ubyte.gz",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        "which digits they are; 5 kB",
    ),
}

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
        Download(
            name="cifar10",
            url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            file_name="cifar-10-binary.tar.gz",
            # As TensorFlow Datasets keeps it; the dataset's page gives an MD5 sum of the same file.
            sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            folder="cifar10",
            members=CIFAR10_MEMBERS,
            about="CIFAR-10, 60,000 pictures of 32 x 32 pixels; 170 MB, 184 MB unpacked",
        ),
        Download(
            name="squeezenet",
            url="torchvision:SqueezeNet1_1_Weights.IMAGENET1K_V1",
            file_name="squeezenet1_1-b8a52dc0.pth",
            # The beginning of the checksum is in the published name, for tools that compare it.
            sha256="b8a52dc0",
            about="SqueezeNet 1.1, trained on ImageNet; 5 MB",
        ),
        Download(
            name="imagenet-val-25",
            url="http://cs231n.stanford.edu/imagenet_val_25.npz",
            file_name="imagenet_val_25.npz",
            sha256=None,  # none is published
            # An npz file is a ZIP archive of arrays.
            folder="imagenet_val_25",
            members=("X.npy", "y.npy"),
            about="25 photographs from ImageNet's validation set, with labels; 4 MB",
        ),
        *(
            Download(name, MNIST_URL + file_name, file_name, sha256, about)
            for name, (file_name, sha256, about) in MNIST_FILES.items()
        ),
    )
}
