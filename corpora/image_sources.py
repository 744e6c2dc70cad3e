"""The built-in corpora of images: official files, data sets of the hub, or image files of your own.

The module imports neither numpy nor torch, so that `bgan-text --help` answers at once.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bgan_text.corpora.corpus import ImageCorpus, Request
from bgan_text.corpora.hub import streamed
from bgan_text.corpora.paths import named
from bgan_text.errors import UserError, reason_of

if TYPE_CHECKING:
    from bgan_text.corpora.images import Raw


@dataclass(frozen=True)
class Hub:
    """A data set of images in the hub: its repository, its columns, and which splits are held out."""

    repository: str
    column: str = "image"
    label: str | None = None
    train: tuple[str, ...] = ("train",)
    held_out: tuple[str, ...] = ("test",)
    files: str = "**/{split}-*.parquet"


def read_files(path: Path) -> "Iterator[Raw]":
    """Images of a folder, an archive, an .npz or a single file."""
    from bgan_text.corpora.image_files import read_images

    return read_images(path)


def read_mnist(path: Path) -> "Iterator[Raw]":
    """MNIST: a folder of the official files, or images in any other form."""
    from bgan_text.corpora.official_images import read_mnist_files

    official = path.is_dir() and any(path.glob("*idx3-ubyte*"))
    return read_mnist_files(path) if official else read_files(path)


def read_cifar10(path: Path) -> "Iterator[Raw]":
    """CIFAR-10: the python batches, a folder of .npz files named train and test, or any images."""
    from bgan_text.corpora.image_arrays import read_npz
    from bgan_text.corpora.official_images import read_cifar_files

    if path.is_dir() and (arrays := sorted(path.glob("*.npz"))):
        return (raw for file in arrays for raw in read_npz(file, held_out="test" in file.stem))
    archive = path.name.startswith("cifar-10-python")
    if archive or (path.is_dir() and any(path.rglob("data_batch_*"))):
        return read_cifar_files(path)
    if path.suffix == ".npz":
        return read_npz(path, held_out="test" in path.stem)
    return read_files(path)


@dataclass(frozen=True)
class ImageReader:
    """Reads images from paths, or from the hub where no path is given.

    Held-out images come first. `limit` bounds the training images; a tenth as many are held out.
    """

    name: str
    hub: Hub | None = None
    files: "Callable[[Path], Iterator[Raw]]" = read_files

    def __call__(self, request: Request) -> "Iterator[Raw]":
        """Read the images.

        Raises:
            UserError: a path is missing or damaged, or the hub is out of reach.
        """
        if not request.paths and self.hub is None:
            raise UserError(f"corpus {self.name} needs `path`: a folder, an archive or an .npz")
        parts: list[Iterator[Raw]] = []
        for held_out in (True, False):
            limit = request.limit
            most = limit if limit is None or not held_out else -(-limit // 10)
            parts.append(_limited(self._part(request.paths, held_out), most))
        for part in parts:
            yield from part

    def _part(self, paths: tuple[str, ...], held_out: bool) -> "Iterator[Raw]":
        if paths:
            images = (raw for path in named(paths) for raw in self.files(Path(path)))
        else:
            assert self.hub is not None
            return hub_images(self.hub, held_out)
        return (raw for raw in images if raw.held_out == held_out)


def _limited(images: "Iterator[Raw]", most: int | None) -> "Iterator[Raw]":
    """At most so many images, and the other files among them."""
    taken = 0
    for raw in images:
        yield raw
        taken += raw.image
        if taken == most:
            return


def hub_images(hub: Hub, held_out: bool, **options: Any) -> "Iterator[Raw]":
    """The images of a data set in the hub, or of a local folder of that layout, streamed and encoded."""
    import datasets

    from bgan_text.corpora.image_labels import label_of
    from bgan_text.corpora.images import Raw

    for split in hub.held_out if held_out else hub.train:
        try:
            stream = streamed(hub.repository, split, hub.files.format(split=split), **options)
            stream = stream.cast_column(hub.column, datasets.Image(decode=False))
            for index, row in enumerate(stream):
                name = f"{hub.repository}:{split}[{index}]"
                label = None if hub.label is None else label_of(name, row[hub.label])
                yield Raw(name, row[hub.column]["bytes"], label, held_out)
        except UserError:
            raise
        except Exception as error:  # the readers raise errors of pyarrow, datasets and the network
            raise UserError(
                f"{hub.repository} in the hub cannot be read: {reason_of(error)}; `path` reads files of yours"
            ) from error


def _corpus(
    name: str,
    title: str,
    size: int | None,
    colors: int,
    hub: Hub | None = None,
    files: "Callable[[Path], Iterator[Raw]]" = read_files,
) -> ImageCorpus:
    return ImageCorpus(name, ImageReader(name, hub, files), title, size, colors)


IMAGE_CORPORA: dict[str, ImageCorpus] = {
    corpus.name: corpus
    for corpus in (
        _corpus(
            "mnist",
            "handwritten digits, from the hub or the official files",
            28,
            2,
            Hub("ylecun/mnist", label="label"),
            read_mnist,
        ),
        _corpus(
            "cifar10",
            "small photographs of ten kinds, from the hub or the python batches",
            32,
            16,
            Hub("uoft-cs/cifar10", column="img", label="label"),
            read_cifar10,
        ),
        _corpus("celeba", "faces", 32, 16, Hub("flwrlabs/celeba", held_out=("valid", "test"))),
        _corpus("lsun", "bedrooms", 64, 16, Hub("pcuenq/lsun-bedrooms")),
        _corpus(
            "imagenet",
            "photographs of a thousand kinds",
            64,
            16,
            Hub("benjamin-paine/imagenet-1k-64x64", label="label", held_out=("validation",)),
        ),
        _corpus("images", "your images: a folder, an archive or an .npz", None, 16),
    )
}
