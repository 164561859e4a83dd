"""The rules that `serve_bytes` has for picture files, applied to one file."""

import functools
import re

import tensorflow as tf

from errors import UserError
from exporting.picture_decoding import decode_rgb
from exporting.picture_rules import MAX_PIXELS

# The page's own limit, 64 MiB: the most pixels that are allowed, uncompressed, with some to spare.
MAX_BYTES = 4 * MAX_PIXELS
_BROKEN_RULE = re.compile(r"Picture 0 of the batch (.+?)\]?\n", re.DOTALL)
_DECODER = re.compile(r"picture_must_be_a_whole_(\w+?)\b")


def require_allowed(contents: bytes) -> None:
    """Refuses what the exported model's `serve_bytes` refuses.

    Args:
        contents: the file.

    Raises:
        UserError: if it is broken, animated, too large, in another format, or would take the
            decoder too long. The message is one sentence, without the file's name.
    """
    try:
        _decoder()(contents)
    except tf.errors.InvalidArgumentError as error:
        raise UserError(sentence(error.message)) from error


def sentence(message: str) -> str:
    """Turns the graph's message about one picture into a sentence for its owner."""
    if broken := _BROKEN_RULE.search(message):
        return f"The picture {broken[1]}."
    if decoder := _DECODER.search(message):
        return f"The picture must be a whole {decoder[1]}. Received a damaged one."
    return f"The picture cannot be read: {message.splitlines()[0]}"


@functools.cache
def _decoder():
    """Traced once; step by step, the walks over a file's chunks would take seconds."""
    spec = tf.TensorSpec((), tf.string)
    return tf.function(lambda file: decode_rgb(file, 0)[0], [spec], autograph=False)
