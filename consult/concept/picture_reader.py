"""Reads a picture somebody sent in and writes it anew. Runs as a child process: the file may be hostile.

Started by its path (`python -I picture_reader.py 1600 < file`; no side is longer afterwards), with Pillow and the
standard library only, so that it knows neither settings nor database. What comes out holds the pixels and nothing else:
no place, no camera, no second file behind the picture. Only JPEG and PNG come out, which every reader and every
word processor shows.

Prints a line of JSON, `{"type", "width", "height"}` with the bytes of the picture behind it, or `{"problem": word}`.
"""

import io
import json
import resource
import signal
import sys
import warnings
from typing import BinaryIO

from PIL import Image, ImageOps

MEMORY = 640 * 2**20
SECONDS = 10
MAX_PIXELS = 40_000_000
MAX_FILE = 15 * 2**20
#: A drawing stays exact as PNG; a photograph sent as PNG would stay this large.
MAX_PNG = 600_000
KINDS = ("PNG", "JPEG", "WEBP")


class Unreadable(Exception):
    """A file that is refused; its argument is the word for the reason."""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE, MAX_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Also when the parent is gone: nothing waits for ever.
    signal.alarm(2 * SECONDS)


def rewritten(data: bytes, max_side: int) -> tuple[str, int, int, bytes]:
    """(media type, width, height, bytes) of the picture as it will be stored. Raises `Unreadable`."""
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        image = Image.open(io.BytesIO(data), formats=KINDS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise Unreadable("kind") from None
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise Unreadable("pixels")
    try:
        if image.format == "JPEG":
            # Decodes a large photograph at half its size or less: the rest would be thrown away.
            image.draft("RGB", (max_side, max_side))
        image.load()
        upright = ImageOps.exif_transpose(image)
        clear = upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info
        pixels = upright.convert("RGBA" if clear else "RGB")
        pixels.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        raise Unreadable("broken") from None
    # A new picture of the pixels alone: what the file said about itself stays behind.
    clean = Image.new(pixels.mode, pixels.size)
    clean.paste(pixels)
    if clear or image.format == "PNG":
        written = _as_png(clean)
        if clear or len(written) <= MAX_PNG:
            return "image/png", *clean.size, written
    return "image/jpeg", *clean.size, _as_jpeg(clean)


def _as_png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _as_jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85, progressive=True, optimize=True)
    return out.getvalue()


def main(source: BinaryIO, out: BinaryIO, max_side: int) -> None:
    """Read, write, or say what is wrong."""
    _limit()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            kind, width, height, data = rewritten(source.read(MAX_FILE + 1), max_side)
    except Unreadable as problem:
        out.write(json.dumps({"problem": str(problem)}).encode())
    except Image.DecompressionBombWarning:
        out.write(json.dumps({"problem": "pixels"}).encode())
    except MemoryError:
        out.write(json.dumps({"problem": "broken"}).encode())
    else:
        out.write(json.dumps({"type": kind, "width": width, "height": height}).encode() + b"\n" + data)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
