"""Small PNGs: a screenshot in 256 colours of its own, which is plenty for pages of text."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

COLOURS = 256


def palette_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of `pixels` (height, width, 3: red, green, blue).

    Its palette is the most frequent colours at 5 bits a part, each as its pixels are on average; what has none of
    its own takes the nearest.
    """
    height, width, _ = pixels.shape
    flat = pixels.reshape(-1, 3)
    packed = (flat >> 3).astype(np.uint32) @ np.array([1024, 32, 1], dtype=np.uint32)
    bins, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(inverse, weights=flat[:, part]) for part in range(3)], axis=1)
    means = sums / counts[:, None]
    palette = means[np.argsort(-counts, kind="stable")[:COLOURS]]
    nearest = np.concatenate(
        [((part[:, None] - palette) ** 2).sum(2).argmin(1) for part in np.array_split(means, len(bins) // 1024 + 1)]
    )
    indices = nearest.astype(np.uint8)[inverse].reshape(height, width)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indices], axis=1).tobytes()
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", np.rint(palette).astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
