"""Files of at most 8 MB that ask as much of a decoder as their makers could think of."""

import struct
import zlib

import numpy as np
from PIL import Image

from tests.export_stand_in import encode

SIDE = 4096  # 2**24 pixels, the most that is allowed
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE, RGBA = 0, 2, 3, 6  # PNG's colour types


def hostile_files():
    """`{what it is: the file}`."""
    return {**hostile_pngs(), **hostile_jpegs(), **hostile_gifs(), **hostile_bmps()}


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *chunks, depth=8, colour=GRAY, interlaced=False):
    """A PNG of the chunks that are given, between IHDR and IEND."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return PNG_MAGIC + b"".join((png_chunk(b"IHDR", header), *chunks, png_chunk(b"IEND", b"")))


def pixel_chunk(rows):
    return png_chunk(b"IDAT", zlib.compress(rows, 9))


def interlaced_rows(width, height, row):
    """Adam7's seven passes; `row(xs, ys)` gives the bytes of one row of a pass."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
              (0, 1, 1, 2))  # fmt: skip
    return b"".join(
        row(range(left, width, right), y)
        for left, top, right, down in passes
        for y in range(top, height, down)
    )


def hostile_pngs():
    pixel = pixel_chunk(b"\0\0")
    zeros = zlib.compress(bytes(7_900_000), 9)  # the most that libpng inflates of a text
    texts = [png_chunk(b"zTXt", b"key\0\0" + zeros)] * 100
    translated = [png_chunk(b"iTXt", b"key\0\1\0\0\0" + zeros)] * 100
    profile = png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile_of_zeros(), 9))
    colours = png_chunk(b"sPLT", b"%d\0\x08" + bytes(6 * 10_000))
    noise = np.random.default_rng(0).integers(0, 256, (1600, 1600, 3), np.uint8)
    deep = {"depth": 16, "colour": RGBA}
    row = b"\4" + bytes(8 * SIDE)  # Paeth's filter, the slowest
    return {
        "PNG with compressed texts": png(1, 1, *texts, pixel),
        "PNG with compressed texts at its end": png(1, 1, pixel, *texts),
        "PNG with compressed translations": png(1, 1, *translated, pixel),
        "PNG with a hundred colour profiles": png(1, 1, *[profile] * 100, pixel),
        "PNG with a hundred suggested palettes": png(1, 1, *[colours] * 100, pixel),
        "PNG with a million texts": png(1, 1, pixel, *[png_chunk(b"tEXt", b"a\0")] * 560_000),
        "PNG with a million pixel chunks": png(1, 1, pixel, *[png_chunk(b"IDAT", b"")] * 660_000),
        "PNG with 8 GB of pixels for one": png(1, 1, png_chunk(b"IDAT", deflated_zeros(7_500))),
        "PNG of many empty blocks": png(3000, 3000, png_chunk(b"IDAT", empty_blocks(7_900_000))),
        "PNG of 16 bits": png(SIDE, SIDE, pixel_chunk(row * SIDE), **deep),
        "PNG of 16 bits, interlaced": png(
            SIDE,
            SIDE,
            pixel_chunk(interlaced_rows(SIDE, SIDE, lambda xs, _: b"\4" + bytes(8 * len(xs)))),
            interlaced=True,
            **deep,
        ),
        "PNG, tall": png(
            1024,
            2**14,
            png_chunk(b"PLTE", bytes(6)),
            pixel_chunk((b"\0" + bytes(128)) * 2**14),
            depth=1,
            colour=PALETTE,
        ),
        "PNG of noise": encode(Image.fromarray(noise), "PNG"),
    }


def deflated_zeros(megabytes):
    compressor = zlib.compressobj(9, wbits=-15)
    part = compressor.compress(bytes(10**6)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return b"\x78\xda" + part * megabytes + compressor.flush()


def profile_of_zeros(size=7_900_000):
    """An ICC profile, as far as its header tells, with one tag that fills it."""
    header = struct.pack(">I4sI4s4s4s", size, b"none", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header = header.ljust(36, b"\0") + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">III", 0xF6D6, 0x10000, 0xD32D)
    tags = struct.pack(">I4sII", 1, b"desc", 144, size - 144)
    return (header.ljust(128, b"\0") + tags).ljust(size, b"\0")


def empty_blocks(size):
    """Deflate blocks that hold a table of codes each and no data, then pixels."""
    lengths = [0] * 18  # of the codes of 16, 17, 18, 0, 8, … 1: only those of 18 and 1 are used
    lengths[2] = lengths[17] = 1
    bits = "0" + "01" + "00000" + "00000" + f"{len(lengths) - 4:04b}"[::-1]
    bits += "".join(f"{length:03b}"[::-1] for length in lengths)
    one, zeros = "0", "1"  # a code of one bit, or 11 to 138 absent ones
    bits += zeros + f"{138 - 11:07b}"[::-1] + zeros + f"{118 - 11:07b}"[::-1] + one + one
    bits += "0"  # the end of the block
    unit = bits * 8
    block = bytes(int(unit[i : i + 8][::-1], 2) for i in range(0, len(unit), 8))
    return b"\x78\xda" + block * (size // len(block)) + zlib.compress(bytes(10**7), 9)[2:]


def hostile_jpegs():
    blocks = (SIDE // 8) ** 2
    head = b"\xff\xd8" + jpeg_segment(0xDB, b"\0" + b"\1" * 64)
    tables = jpeg_huffman(0, {1: 0, 2: 1}) + jpeg_huffman(1, {1: 0xE0, 2: 0x01})
    progressive = head + jpeg_frame(0xC2, SIDE) + tables
    means = jpeg_scan((1, 2, 3), 0, 0, 0) + bytes(3 * blocks // 8)
    first = [jpeg_scan((part,), 1, 63, 0x01) + no_coefficients(blocks) for part in (1, 2, 3)]
    refined = [jpeg_scan((part,), 1, 63, 0x10) + no_coefficients(blocks) for part in (1, 2, 3)]
    detailed = jpeg_scan((1,), 1, 63, 0x01) + b"\x92\x49\x24" * (63 * blocks // 8)
    arithmetic = jpeg_scan((1,), 0, 63, 0) + b"\x5a" * 30
    end = b"\xff\xd9"
    picture = smooth_picture()
    return {
        "JPEG of 10,000 scans": progressive + means + first[0] * 10_000 + end,
        "JPEG of 32 scans": b"".join((progressive, means, *first, *(refined * 10)[:28], end)),
        "JPEG with every coefficient": progressive + means + detailed + refined[0] * 30 + end,
        "JPEG of a million comments": b"\xff\xd8" + b"\xff\xfe\0\2" * 1_900_000 + end,
        "JPEG of filling alone": b"\xff\xd8" + b"\xff" * 7_900_000,
        "JPEG of restarts alone": progressive + means + b"\xff\xd0" * 3_900_000 + end,
        "JPEG in arithmetic coding": head + jpeg_frame(0xC9, SIDE) + arithmetic * 30 + end,
        "JPEG, progressive": encode(picture, "JPEG", progressive=True, subsampling=0),
        "JPEG, progressive, CMYK": encode(picture.convert("CMYK"), "JPEG", progressive=True),
    }


def jpeg_segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg_frame(marker, side):
    parts = b"".join(bytes([part, 0x11, 0]) for part in (1, 2, 3))
    return jpeg_segment(marker, struct.pack(">BHHB", 8, side, side, 3) + parts)


def jpeg_huffman(kind, symbols):
    """Table 0 of a kind, with at most one symbol of each code length: `{length: symbol}`."""
    counts = bytes(int(length in symbols) for length in range(1, 17))
    return jpeg_segment(0xC4, bytes([kind << 4]) + counts + bytes(symbols.values()))


def jpeg_scan(parts, first, last, bits):
    names = b"".join(bytes([part, 0]) for part in parts)
    return jpeg_segment(0xDA, bytes([len(parts)]) + names + bytes([first, last, bits]))


def no_coefficients(blocks):
    """`blocks` blocks without any, in runs of 32,767: code 0, then fourteen bits of length."""
    bits = ("0" + "1" * 14) * -(-blocks // 32767)
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    data = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
    return data.replace(b"\xff", b"\xff\0")


def smooth_picture():
    coarse = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    return Image.fromarray(coarse.repeat(SIDE // 64, 0).repeat(SIDE // 64, 1))


def hostile_gifs():
    dot = encode(Image.new("P", (1, 1)), "GIF")
    frame = dot.index(b"\x2c\0\0\0\0")
    before, after = dot[:frame], dot[frame:]
    picture = smooth_picture().quantize(64, method=Image.Quantize.FASTOCTREE)
    comment = b"\x21\xfe"
    return {
        "GIF with comments of one-byte blocks": (
            before + (comment + b"\1a" * 65_000 + b"\0") * 8 + after
        ),
        "GIF with a comment of one-byte blocks": (
            before + comment + b"\1a" * 3_900_000 + b"\0" + after
        ),
        "GIF with a comment of unequal blocks": (
            before + comment + b"\1a\2aa" * 1_500_000 + b"\0" + after
        ),
        "GIF with a million comments": before + b"\x21\xfe\1a\0" * 1_500_000 + after,
        "GIF with pixels in unequal blocks": dot[:-2] + b"\1a\2aa" * 1_500_000 + b"\0;",
        "GIF, large": encode(picture, "GIF", interlace=1),
    }


def hostile_bmps():
    noise = np.random.default_rng(0).integers(0, 256, (2800, 2800), np.uint8)
    gray = encode(Image.fromarray(noise), "BMP")
    return {
        "BMP of 8 bits": gray,
        "BMP with its pixels before its start": gray[:10] + b"\0\0\0\xff" + gray[14:],
        "BMP with its palette after its end": gray[:14] + b"\xff\xff\xff\x7f" + gray[18:],
    }
