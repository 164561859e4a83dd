"""Clients whose requests a server merges into one batch, by TensorFlow's own batching operation."""

import concurrent.futures

import numpy as np
import pytest
import tensorflow as tf

from exporting.example_photograph import example_photograph
from tests.export_stand_in import colour_picture, encode, with_photo

PICTURE = encode(colour_picture(60, 60), "JPEG")
PHOTOGRAPH = tf.io.encode_jpeg(example_photograph()).numpy()
JUNK = (b"", b"no picture", PICTURE[: len(PICTURE) // 2], b"\x89PNG\r\n\x1a\n")
REQUESTS = 8  # of each client


@pytest.fixture(scope="module")
def signatures(tmp_path_factory):
    return tf.saved_model.load(with_photo(tmp_path_factory)).signatures


def asker(serve):
    """Asks about one picture; up to five requests share a batch, which waits for them."""
    files = tf.TensorSpec((None,), tf.string)

    @tf.function(input_signature=[files], autograph=False)
    def run_batch(image_bytes):
        answer = serve(image_bytes=image_bytes)
        rows = tf.fill(tf.shape(image_bytes), tf.size(image_bytes))
        return answer["keypoints"], answer["error"], rows

    function = run_batch.get_concrete_function()

    @tf.function(input_signature=[files], autograph=False)
    def ask(image_bytes):
        return tf.raw_ops.BatchFunction(
            in_tensors=[image_bytes],
            captured_tensors=function.captured_inputs,
            f=function,
            Tout=[tf.float32, tf.string, tf.int32],
            num_batch_threads=1,
            max_batch_size=5,
            batch_timeout_micros=100_000,
            max_enqueued_batches=8,
        )

    def run(picture):
        keypoints, error, rows = (each.numpy() for each in ask(tf.constant([picture])))
        return keypoints[0], error[0].decode(), rows[0]

    return run


@pytest.mark.parametrize(
    ("signature", "picture"), [("serve_bytes", PICTURE), ("serve_photo", PHOTOGRAPH)]
)
def test_a_client_with_junk_alone_spoils_no_answer_of_four_others(signature, picture, signatures):
    ask = asker(signatures[signature])
    expected, _, _ = ask(picture)
    sent = [JUNK[number % len(JUNK)] for number in range(REQUESTS)] + [picture] * 4 * REQUESTS
    order = np.random.default_rng(0).permutation(len(sent))
    with concurrent.futures.ThreadPoolExecutor(5) as clients:
        answers = list(clients.map(ask, [sent[place] for place in order]))
    assert max(rows for _, _, rows in answers) > 1  # they did share batches
    for place, (keypoints, error, _) in zip(order, answers, strict=True):
        if place < REQUESTS:
            assert error.startswith("The picture must ")
            assert np.isnan(keypoints).all()
        else:
            assert error == ""
            np.testing.assert_allclose(keypoints, expected, atol=0.01)
