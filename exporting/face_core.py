"""The one traced function behind every signature: gray faces in, keypoints in px out."""

import tensorflow as tf

from keypoint_schema import IMAGE_SHAPE, to_pixels

FACE_SHAPE = (None, *IMAGE_SHAPE)


def face_core(model, mirror=None):
    """Builds the function that the signatures share.

    Args:
        model: Keras model, float32, `(batch, 96, 96, 1)` gray 0–255 to normalized `(batch, K, 2)`.
        mirror: a `keypoint_schema.Mirror`, to predict the mirror image too and average both.

    Returns:
        A concrete function from float32 `(batch, 96, 96, 1)` to px of the 96×96 image,
        `(batch, K, 2)`.
    """

    def predict(images):
        if mirror is None:
            return to_pixels(model(images, training=False))
        # One call on both: at batch 1, time is spent on reading the weights, here once for both.
        both = model(tf.concat([images, images[:, :, ::-1]], axis=0), training=False)
        straight, mirrored = tf.split(both, 2)
        return to_pixels((straight + mirror(mirrored)) / 2.0)

    signature = [tf.TensorSpec(FACE_SHAPE, tf.float32, name="images")]
    function = tf.function(predict, input_signature=signature, autograph=False)
    # Traced once, here: if its callers traced it, it would be in the graph twice.
    return function.get_concrete_function()
