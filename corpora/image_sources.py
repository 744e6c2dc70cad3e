"""Where images come from, by name: official files, the hub through `datasets`, or images of yours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from bgan_text.corpora.image_files import read_cifar_files, read_images, read_mnist_files, read_npz
from bgan_text.corpora.images import Raw
from bgan_text.errors import UserError


@dataclass(frozen=True)
class Hub:
    """A data set of images in the hub: its repository, its columns, which splits are held out."""

    repository: str
    column: str = "image"
    label: str | None = None
    train: tuple[str, ...] = ("train",)
    held_out: tuple[str, ...] = ("test",)
    files: str = "**/{split}-*.parquet"


@dataclass(frozen=True)
class ImageSource:
    """A corpus of images by name. `size` and `colors` are what `prepare` uses unless told otherwise."""

    name: str
    title: str
    size: int | None
    colors: int
    hub: Hub | None = None
    files: Callable[[Path], Iterator[Raw]] = field(default=read_images)

    def read(self, paths: tuple[str, ...], limit: int | None) -> Iterator[Raw]:
        """The images, held-out ones first; `limit` bounds those to train on, a tenth as many are held out.

        Raises:
            UserError: a path is missing or damaged, or the hub is out of reach.
        """
        if not paths and self.hub is None:
            raise UserError(f"corpus {self.name} needs --path FOLDER, an archive or an .npz")
        parts: list[Iterator[Raw]] = []
        for held_out in (True, False):
            most = limit if limit is None or not held_out else -(-limit // 10)
            parts.append(islice(self._part(paths, held_out), most))
        for part in parts:
            yield from part

    def _part(self, paths: tuple[str, ...], held_out: bool) -> Iterator[Raw]:
        if paths:
            images = (raw for path in paths for raw in self.files(Path(path)))
        else:
            assert self.hub is not None
            return hub_images(self.hub, held_out)
        return (raw for raw in images if raw.held_out == held_out)


def hub_images(hub: Hub, held_out: bool, **options: Any) -> Iterator[Raw]:
    """The images of a data set in the hub, or of a local folder of that shape, streamed, still encoded."""
    import datasets

    for split in hub.held_out if held_out else hub.train:
        try:
            stream = datasets.load_dataset(
                hub.repository,
                data_files={split: hub.files.format(split=split)},
                split=split,
                streaming=True,
                **options,
            )
            stream = stream.cast_column(hub.column, datasets.Image(decode=False))
            for index, row in enumerate(stream):
                label = None if hub.label is None else int(row[hub.label])
                yield Raw(f"{hub.repository}:{split}[{index}]", row[hub.column]["bytes"], label, held_out)
        except Exception as error:  # the readers raise errors of pyarrow, datasets and the network
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise UserError(f"{hub.repository} in the hub cannot be read: {reason}") from error


def read_mnist(path: Path) -> Iterator[Raw]:
    """MNIST: a folder of the official files, or images of any other form."""
    official = path.is_dir() and any(path.glob("*idx3-ubyte*"))
    return read_mnist_files(path) if official else read_images(path)


def read_cifar10(path: Path) -> Iterator[Raw]:
    """CIFAR-10: the python batches, or a folder of .npz whose names tell train from test, or any images."""
    if path.is_dir() and (arrays := sorted(path.glob("*.npz"))):
        return (raw for file in arrays for raw in read_npz(file, held_out="test" in file.stem))
    archive = path.name.startswith("cifar-10-python")
    if archive or (path.is_dir() and any(path.rglob("data_batch_*"))):
        return read_cifar_files(path)
    if path.suffix == ".npz":
        return read_npz(path, held_out="test" in path.stem)
    return read_images(path)


IMAGE_SOURCES: dict[str, ImageSource] = {
    source.name: source
    for source in (
        ImageSource(
            "mnist",
            "handwritten digits, from the hub or the official files",
            28,
            2,
            Hub("ylecun/mnist", label="label"),
            read_mnist,
        ),
        ImageSource(
            "cifar10",
            "small photographs of ten kinds, from the hub or the python batches",
            32,
            16,
            Hub("uoft-cs/cifar10", column="img", label="label"),
            read_cifar10,
        ),
        ImageSource("celeba", "faces", 32, 16, Hub("flwrlabs/celeba", held_out=("valid", "test"))),
        ImageSource("lsun", "bedrooms", 64, 16, Hub("pcuenq/lsun-bedrooms")),
        ImageSource(
            "imagenet",
            "photographs of a thousand kinds",
            64,
            16,
            Hub("benjamin-paine/imagenet-1k-64x64", label="label", held_out=("validation",)),
        ),
        ImageSource("images", "your images: a folder, an archive or an .npz", None, 16),
    )
}
