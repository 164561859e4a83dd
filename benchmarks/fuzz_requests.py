"""Sends mutated requests to an exported preset in TensorFlow's C library, as a server holds it.

    python -m benchmarks.fuzz_requests --requests 2000 --seed 1

Wrong shapes, ranks and dtypes, pixels that are not finite, damaged pictures and photographs, random
bytes. Each must be answered or refused with INVALID_ARGUMENT, a good picture in a bad one's batch
must get its usual answer, and so must the good request that follows. The process must neither crash
nor grow.
"""

import collections
import io
import pathlib
import tempfile

import numpy as np

import command_line
import tensorflow_start
from benchmarks.c_session import ChildError, ChildSession
from keypoint_schema import IMAGE_SHAPE

PROGRAM = "python -m benchmarks.fuzz_requests"
INVALID_ARGUMENT = 3  # TF_Code
TOLERANCE = 0.01  # px, of keypoints in another batch
# The process may grow by this much after its first requests: each new size of batch, of up to 256
# photographs, leaves some behind, and the same size again leaves no more.
GROWTH_MEGABYTES = 150
WARM_UP = 0.2  # part of the requests after which memory is measured for the first time
DIMENSIONS = (0, 1, 2, 3, 31, 95, 96, 97, 192, 9216, 2**31 - 1, 2**31, 2**40)
MAX_ELEMENTS = {np.dtype(np.float32): 2**19, np.dtype(np.uint8): 2**19, np.dtype(object): 2**8}
DTYPES = ("float32", "uint8", "int32", "int64", "float64", "float16", "bool", "object")
PIXELS = (np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-42, -1.0, 256.0)


def main(argv=None):
    arguments = parse_arguments(argv)
    tensorflow_start.start_quietly()
    with tempfile.TemporaryDirectory() as folder:
        tensors = export(arguments.preset, pathlib.Path(folder, "preset"))
        findings, counts, growth = fuzz(
            pathlib.Path(folder, "preset"), tensors, arguments.requests, arguments.seed
        )
    print_summary(arguments, findings, counts, growth)
    return 1 if findings else 0


def parse_arguments(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--preset", default="heatmap_s", help="(default: %(default)s)")
    parser.add_argument(
        "--requests", type=command_line.at_least(1), default=2000, help="(default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=command_line.at_least(0), default=1, help="(default: %(default)s)"
    )
    return parser.parse_args(argv)


def export(preset, folder):
    """Writes a preset's SavedModel, with `serve_photo`; returns the tensors' names.

    They are `{signature: (input, {output: tensor})}`.
    """
    from exporting import open_saved_model, write_saved_model
    from trained_nets import preset_store

    net = preset_store.load_preset(preset)
    write_saved_model(net.model, net.names, folder, photo=True)
    with open_saved_model(folder) as saved:
        return {
            name: (
                next(iter(signature.inputs.values())).name,
                {key: info.name for key, info in signature.outputs.items()},
            )
            for name, signature in saved.signatures.items()
        }


def fuzz(folder, tensors, requests, seed):
    """Sends the requests, in a new process after each crash.

    Returns:
        Findings as lines of text, counts of what was answered how, and by how many MB the process
        grew (of the last process, if there were several).
    """
    random = np.random.default_rng(seed)
    good = good_requests()
    findings, counts, number, growth = [], collections.Counter(), 0, 0.0
    while number < requests:
        first = number
        with ChildSession(folder) as child:
            before = None
            try:
                expected = {name: ask(child, tensors, name, good[name])[1] for name in tensors}
                while number < requests:
                    number += 1
                    signature, value, kind, sound = mutate(random, good)
                    answer = ask(child, tensors, signature, value)
                    wrong = judge(
                        answer, value, good[signature], sound, expected[signature], counts
                    )
                    following = ask(child, tensors, signature, good[signature])
                    if not is_right(following, expected[signature]):
                        wrong = f"the good request after it got {following}"
                    if wrong:
                        findings.append(f"request {number}, {signature}, {kind}: {wrong}")
                        print(findings[-1], flush=True)
                    if before is None and number >= WARM_UP * requests:
                        before = child.megabytes()
                growth = child.megabytes() - before if before else 0.0
            except ChildError as error:
                findings.append(f"request {number}: {error}")
                print(findings[-1], flush=True)
                if number == first:  # not even good requests are answered
                    break
    if growth > GROWTH_MEGABYTES:
        findings.append(f"memory grew by {growth:.0f} MB")
    return findings, counts, growth


def good_requests():
    """For each signature, a batch of two that every mutation starts from."""
    from exporting.example_photograph import example_photograph

    photograph = example_photograph()
    half = photograph[:, photograph.shape[1] // 2 :]  # one of its two faces
    random = np.random.default_rng(0)
    images = np.kron(random.integers(0, 256, (2, 12, 12, 1)), np.ones((1, 8, 8, 1), int))
    images = images.astype(np.uint8)
    gray = images.astype(np.float32)
    return {
        "serving_default": gray,
        "serve_uint8": images,
        "serve_named": gray,
        "serve_bytes": _texts([_file(images[0], "PNG"), _file(images[1], "JPEG")]),
        "serve_photo": _texts([_file(photograph, "PNG"), _file(half, "JPEG")]),
    }


def mutate(random, good):
    """A request gone wrong.

    Returns:
        Its signature, its input, what is wrong with it in words, and `{row: row of the good
        request}` for the faces or photographs in it that are still as they were.
    """
    signature = random.choice(list(good))
    kinds = [wrong_shape, wrong_dtype, no_rows]
    is_files = good[signature].dtype == object
    kinds += [damaged_pictures] * 6 if is_files else [odd_pixels, odd_pixels]
    kind = kinds[random.integers(len(kinds))]
    value, sound = kind(random, good[signature])
    return signature, value, kind.__name__.replace("_", " "), sound


def wrong_shape(random, value):
    if random.random() < 0.5:  # one dimension off, or one more or less
        shape = list((len(value), *IMAGE_SHAPE) if value.ndim == 4 else value.shape)
        change = random.integers(3)
        if change == 0:
            shape[random.integers(len(shape))] = int(random.choice(DIMENSIONS))
        elif change == 1:
            shape.insert(random.integers(len(shape) + 1), int(random.choice(DIMENSIONS[:6])))
        else:
            del shape[random.integers(len(shape))]
    else:
        shape = [int(size) for size in random.choice(DIMENSIONS, random.integers(8))]
    while np.prod(shape, dtype=object) > MAX_ELEMENTS[value.dtype] or not _fits(shape):
        shape[int(np.argmax(shape))] //= 2
    return _filled(random, shape, value), {}


def wrong_dtype(random, value):
    dtype = random.choice([name for name in DTYPES if name != value.dtype.name])
    if dtype == "object":
        return _texts([b"1"] * value.size).reshape(value.shape)[:, :2], {}
    return np.zeros((len(value), *IMAGE_SHAPE) if random.random() < 0.5 else value.shape, dtype), {}


def no_rows(random, value):
    return value[:0], {}


def odd_pixels(random, value):
    rows = random.integers(1, 5)
    images = value[np.arange(rows) % 2].copy()
    odd = random.integers(rows)
    if images.dtype == np.uint8:
        images[odd] = random.integers(0, 256, IMAGE_SHAPE)
    else:
        count = random.integers(1, 40)
        images[odd].reshape(-1)[random.integers(0, images[odd].size, count)] = random.choice(PIXELS)
    return images, {row: row % 2 for row in range(rows) if row != odd}


def damaged_pictures(random, value):
    rows = random.integers(1, 9)
    files = [value[row % 2] for row in range(rows)]
    damaged = random.choice(rows, random.integers(1, rows + 1), replace=False)
    for row in damaged:
        other = _file(_picture(random), random.choice(FORMATS))
        files[row] = damage(random, files[row] if random.random() < 0.5 else other)
    return _texts(files), {row: row % 2 for row in range(rows) if row not in damaged}


FORMATS = ("PNG", "JPEG", "BMP", "GIF")


def damage(random, file):
    """Random bytes in a picture, a part of it, more of it, two pictures in one, or no picture."""
    way = random.integers(7)
    data = bytearray(file)
    if way == 0:  # anywhere
        for place in random.integers(0, len(data), random.integers(1, 20)):
            data[place] = random.integers(256)
    elif way == 1:  # extreme numbers in the header
        place = random.integers(0, min(len(data), 64) - 4)
        data[place : place + 4] = random.choice(
            [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\x80\0\0\0", b"\0\0\0\x80"]
        ).ljust(4, b"\0")
    elif way == 2:
        del data[random.integers(len(data)) :]
    elif way == 3:
        start = random.integers(len(data))
        del data[start : start + random.integers(1, 200)]
    elif way == 4:
        place = random.integers(len(data))
        data[place:place] = bytes(random.integers(0, 256, random.integers(1, 200), np.uint8))
    elif way == 5:
        other = _file(_picture(random), random.choice(FORMATS))
        data[random.integers(len(data)) :] = other[random.integers(len(other)) :]
    else:
        start = random.choice([b"", b"BM", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
        data = start + bytes(random.integers(0, 256, random.integers(0, 3000), np.uint8))
    return bytes(data)


def ask(child, tensors, signature, value):
    """Returns TF_Code, and the outputs by name, or the message of what went wrong."""
    feed, outputs = tensors[signature]
    code, message, arrays = child.run(feed, value, list(outputs.values()))
    return code, message if code else dict(zip(outputs, arrays, strict=True))


def is_right(answer, expected):
    """Whether the good request got the answer that it got at first."""
    code, outputs = answer
    return code == 0 and all(
        np.array_equal(outputs[name], value)
        if value.dtype == object
        else _is_near(outputs[name], value)
        for name, value in expected.items()
    )


def judge(answer, value, good, sound, expected, counts):
    """Counts an answer; returns what is wrong with it, if anything."""
    code, outputs = answer
    if code:
        counts["refused requests"] += 1
        return None if code == INVALID_ARGUMENT else f"code {code}: {outputs}"
    counts["answered requests"] += 1
    if (value.dtype, value.ndim, value.shape[1:]) != (good.dtype, good.ndim, good.shape[1:]):
        return f"{value.dtype} {value.shape} was answered"
    if wrong := {name: each.shape for name, each in outputs.items() if len(each) != len(value)}:
        return f"{len(value)} rows were sent and {wrong} came back"
    for row in range(len(value)):
        numbers = [each[row] for each in outputs.values() if each.dtype.kind == "f"]
        is_nan = {bool(np.isnan(each).all()) for each in numbers}
        if any(np.isnan(each).any() for each in numbers) and is_nan != {True}:
            return f"row {row} is NaN in part"
        refused = is_nan == {True}
        if "error" in outputs and refused != bool(outputs["error"][row]):
            return f"row {row} has the message {outputs['error'][row]} and NaN: {refused}"
        if "faces" in outputs and not is_padded(numbers, outputs["faces"][row], refused):
            return f"row {row} has {outputs['faces'][row]} faces and other numbers after them"
        counts["refused rows" if refused else "answered rows"] += 1
    for row, origin in sound.items():
        found = numbers_of(outputs, row)
        for name, wanted in numbers_of(expected, origin).items():
            if not _is_near(found[name], wanted):
                return f"row {row}, as good as before, got {found[name]} for {name}"
    return None


def is_padded(numbers, faces, refused):
    """Whether a photograph has nothing but zeros after its faces, or no faces if it is refused."""
    if refused:
        return faces == 0
    return all(faces <= len(each) and not each[faces:].any() for each in numbers)


def numbers_of(outputs, row):
    """Returns one row's outputs but for texts, without what pads a photograph's."""
    end = outputs["faces"][row] if "faces" in outputs else None
    return {name: each[row][:end] for name, each in outputs.items() if each.dtype.kind == "f"}


def print_summary(arguments, findings, counts, growth):
    import tensorflow as tf

    print(
        f"{arguments.preset} in the C library of TensorFlow {tf.__version__}, seed "
        f"{arguments.seed}: {command_line.counted(arguments.requests, 'mutated request')}, of "
        f"which {counts['refused requests']:,} refused as a whole and "
        f"{counts['answered requests']:,} answered ({counts['answered rows']:,} faces and "
        f"photographs with numbers, {counts['refused rows']:,} with NaN), each followed by a good "
        f"one; memory {growth:+.0f} MB; {command_line.counted(len(findings), 'finding')}"
    )


def _is_near(found, wanted):
    return found.shape == wanted.shape and np.allclose(found, wanted, atol=TOLERANCE)


def _fits(shape):
    # NumPy needs all sizes but zeros to fit, TensorFlow their product.
    return np.prod([max(size, 1) for size in shape], dtype=object) < 2**59


def _filled(random, shape, value):
    if value.dtype == object:
        texts = _texts([value.flat[random.integers(value.size)]] * int(np.prod(shape)))
        return texts.reshape(shape)
    return np.full(shape, random.integers(256), value.dtype)


def _picture(random):
    shape = (*random.integers(1, 60, 2), 3)
    return random.integers(0, 256, shape, np.uint8)


def _file(pixels, file_format):
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels).save(file, file_format)
    return file.getvalue()


def _texts(texts):
    array = np.empty(len(texts), object)
    array[:] = texts
    return array


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
