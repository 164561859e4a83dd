"""A net that TensorFlow Serving holds, used like one of this process."""

import dataclasses

import numpy as np

from serving import Target, connect
from serving.target import MAX_BATCH


@dataclasses.dataclass(frozen=True)
class ServedNet:
    """A served net.

    Attributes:
        target: where it is.
        names: the K keypoints that it predicts.
        labellers: none to choose from; its export decided whose labels it predicts.
    """

    target: Target
    names: tuple[str, ...]
    labellers: tuple[str, ...] = ()

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predicts uint8 `(N, 96, 96, 1)` to float32 `(N, K, 2)` px.

        Raises:
            UserError: if the server does not answer.
        """
        answers = [np.empty((0, len(self.names), 2), np.float32)]
        with connect(self.target) as connection:
            for start in range(0, len(images), MAX_BATCH):
                batch = images[start : start + MAX_BATCH]
                answers.append(connection.predict("serve_uint8", images=batch)["keypoints"])
        return np.concatenate(answers)


def open_served(target: Target) -> ServedNet:
    """Asks a server which keypoints it finds.

    Raises:
        UserError: if it does not answer, or the model is not one of export.py.
    """
    with connect(target) as connection:
        return ServedNet(target, tuple(connection.names()))
