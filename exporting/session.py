"""Runs a SavedModel like TensorFlow Serving: a Session on the graph, one signature per request."""

import contextlib

import tensorflow as tf

TAG = "serve"


class SignatureRunner:
    """An open SavedModel; `run(name, **inputs)` returns one signature's outputs as a dict."""

    def __init__(self, session, signatures):
        self._session = session
        self.signatures = signatures

    def run(self, name, **inputs):
        """Runs a signature on NumPy inputs, given by name; returns NumPy outputs by name."""
        signature = self.signatures[name]
        feeds = {signature.inputs[key].name: value for key, value in inputs.items()}
        fetches = {key: info.name for key, info in signature.outputs.items()}
        return self._session.run(fetches, feeds)


@contextlib.contextmanager
def open_saved_model(folder, intra_op_threads=0):
    """Loads a SavedModel folder into a Session of its own and yields a `SignatureRunner`.

    Args:
        folder: the SavedModel.
        intra_op_threads: that each operation is shared among; 0 for as many as there are cores.
            TensorFlow has one set of them for a whole process, so it can only be chosen before
            anything has run.
    """
    graph = tf.Graph()
    config = tf.compat.v1.ConfigProto(intra_op_parallelism_threads=intra_op_threads)
    with contextlib.closing(tf.compat.v1.Session(graph=graph, config=config)) as session:
        with graph.as_default(), _without_deprecation_notes():
            meta_graph = tf.compat.v1.saved_model.loader.load(session, [TAG], str(folder))
        signatures = {
            name: signature
            for name, signature in meta_graph.signature_def.items()
            if not name.startswith("__")
        }
        yield SignatureRunner(session, signatures)


@contextlib.contextmanager
def _without_deprecation_notes():
    # TensorFlow advises tf.saved_model.load, which is not what a server does.
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
