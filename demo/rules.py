"""The rules that `serve_bytes` has for picture files, applied to one file."""

import functools

import tensorflow as tf

from errors import UserError
from exporting.picture_decoding import decode_faces
from exporting.picture_rules import MAX_PIXELS

# The page's own limit, 64 MiB: the most pixels that are allowed, uncompressed, with some to spare.
MAX_BYTES = 4 * MAX_PIXELS


def require_allowed(contents: bytes) -> None:
    """Refuses what the exported model's `serve_bytes` refuses.

    Args:
        contents: the file.

    Raises:
        UserError: if it is broken, animated, too large, in another format, or would take the
            decoder too long. The message is one sentence, without the file's name.
    """
    (error,) = _decoder()([contents]).numpy()
    if error:
        raise UserError(f"{error.decode().rstrip('.')}.")


@functools.cache
def _decoder():
    """Traced once; step by step, the walks over a file's chunks would take seconds."""
    spec = tf.TensorSpec((None,), tf.string)
    return tf.function(lambda files: decode_faces(files)[2], [spec], autograph=False)
