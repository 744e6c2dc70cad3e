"""How much a file may ask for: one of a stranger may be small on disk and claim, or unpack to, any size.

What is counted against these limits is counted before it is read or while it is read, never after. A file
that is refused can be unpacked, split or converted by its owner, and is read then: what is plain on disk has
no limit but those of a line, a field and an image.
"""

from dataclasses import dataclass

from bgan_text.errors import UserError

MOST_PIXELS = 50_000_000
"""Pixels of an image that is decoded, unless another limit is given: a small file may claim any number."""
MOST_BYTES_OF_IMAGE = 2**28
"""Bytes of an image, encoded or in an array: those of the largest one in four channels and more."""
FREE_BYTES_OF_IMAGE = 2**24
BYTES_PER_PIXEL = 16
"""An encoded image has at most so many bytes and so many for each pixel: what is more is not its pixels."""
MOST_SCANS = 200
"""Passes over the pixels of a progressive JPEG. Encoders make about ten; each costs the time of an image."""
MOST_VALUES_OF_TAG = 2**20
"""Numbers in a tag of TIFF, such as the places of its strips: Python needs ten times their bytes."""
MOST_EXIF = 2**20
"""Bytes of EXIF, which JPEG bounds at 64 KiB and other formats do not."""
FREE_PIXELS = 2**30
PIXELS_PER_BYTE = 1000
"""The images of one source have at most so many pixels and so many for each encoded byte. A scanned page in
black and white has 700 for a byte, an empty image 8,000."""

MOST_MEMBERS = 500_000
"""Members of an archive: each takes about a kilobyte of memory. There may be more files in a folder."""
MOST_EMPTY = 1000
"""Empty members of an archive: none is an image, and they cost time but no space."""
MOST_BYTES_OF_DIRECTORY = 2**25
"""Bytes of the directory of a zip archive, which is read whole: 80 for each of 400,000 members."""
MOST_BYTES_OF_HEADING = 2**20
"""Bytes of what stands before a member of a tar archive: long names, and extended headings."""
MOST_BYTES_OF_ARRAY_HEADING = 10_000
"""As numpy itself has it, which reads the heading first."""
MOST_BYTES_OF_FORTRAN_ARRAY = 2**28
"""Bytes of an array in Fortran's order, whose first row is not together on disk; others are streamed."""
BLOCK = 2**24
"""Bytes of an array that are in memory at a time, unless one row has more."""

RATIO = 200
"""How many bytes one compressed byte may unpack to. Text has 3 to 20, logs 50; gzip reaches 1,030 with
zeros, and bzip2 a million."""
FREE_UNPACKED = 2**29
"""Bytes that an archive of images may unpack to whatever the ratio: images of one colour compress well."""
WINDOW = 2**24
"""The ratio of a compressed text or table is that of so many unpacked bytes at a time."""
MOST_BYTES_OF_DECODER = 2**28
"""Memory that an xz file may ask for: `xz -9` needs a quarter of it."""

LONGEST_LINE = 2**27
"""Bytes of a line of text. The one line of text8 has 100 million."""
LONGEST_SAMPLE = 2**25
"""Characters of a sample that is joined of lines, which are in memory one by one until it ends."""
LONGEST_SENTENCE = 2**21
"""Characters without the end of a sentence, which is looked for again and again as they grow."""
LONGEST_FIELD = 2**24
"""Characters of a line or a field of a table, and of a row of JSON; half of those of a row of CSV. A book has
a million. Without a limit, a quote that is never closed would fill the memory."""

MOST_BYTES_OF_PAGE = 2**28
"""Bytes of an unpacked page of Parquet. Writers aim at one million."""
BATCH_BYTES = 2**26
"""Bytes of the rows of Parquet that are in memory at a time, if each is as long as a page allows."""
FREE_ROWS = 2**20
ROWS_PER_BYTE = 16
"""A table of Parquet has at most so many rows, and so many for each byte: equal rows need no space."""
FREE_TEXT = 2**26
"""Characters that a column of Parquet may hold whatever the `RATIO` to the bytes of the file."""

REMEDY = "it may be a decompression bomb; unpack it yourself if it is not"
REMEDY_OF_PIXELS = "they may be decompression bombs; save them without compression, as BMP, if they are not"


@dataclass
class Allowance:
    """Counts what is unpacked from a file, and refuses what its size does not explain.

    Args:
        name: what the file is called in messages.
        size: bytes of the file on disk.
        free: what may be unpacked whatever the size.
        ratio: what may be unpacked besides for each byte of the file.
        unit: what is counted.
        remedy: what a message advises.

    Example:
        >>> allowance = Allowance("a.zip", 10, free=100, ratio=5)
        >>> allowance.use(150)
        >>> allowance.use(1)
        Traceback (most recent call last):
        bgan_text.errors.UserError: a.zip unpacks to more than 150 bytes, 5 for each byte of the file: ...
    """

    name: str
    size: int
    free: int
    ratio: int = RATIO
    unit: str = "bytes"
    remedy: str = REMEDY
    used: int = 0

    def use(self, count: int) -> None:
        """Count what is going to be unpacked, or was; a `UserError` if that is too much."""
        self.used += count
        most = self.free + self.ratio * self.size
        if self.used > most:
            raise UserError(
                f"{self.name} unpacks to more than {most:,} {self.unit}, {self.ratio:,} for each byte of the "
                f"file: {self.remedy}"
            )
