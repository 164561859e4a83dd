"""A float32 copy of a net that was trained in mixed precision."""

_HALF = ("mixed_bfloat16", "mixed_float16", "bfloat16", "float16")


def float32_copy(model):
    """Rebuilds a Keras model with float32 arithmetic and the same weights.

    A server's processor may have no bfloat16 arithmetic, and emulates it many times slower; and
    with float32 every machine gives the same answer. The weights are float32 as they are.

    Args:
        model: functional Keras model of any dtype policy.

    Returns:
        The model itself, if it is float32 throughout, or its copy.
    """
    config = model.get_config()
    wanted = _in_float32(config)
    if wanted == config:
        return model
    copy = type(model).from_config(wanted)
    copy.set_weights(model.get_weights())
    return copy


def _in_float32(config):
    if isinstance(config, dict):
        return {key: _in_float32(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_in_float32(value) for value in config)
    return "float32" if isinstance(config, str) and config in _HALF else config
