"""What predict.py looks for faces with, in a form that other processes can load it from."""

import dataclasses

import pictures
import tensorflow_start


@dataclasses.dataclass(frozen=True)
class FinderLoading:
    """Loads a net and perhaps the detector, when called.

    Nothing here imports TensorFlow before, so that a process can first set its threads, or leave
    the work to others.

    Attributes:
        origin, flip_average, labels_of: as for `load_net`.
        detect: whether faces have to be found first.
        min_confidence: as for `FaceDetector`.
        uncertainty: whether the net tells how uncertain it is of each keypoint.
    """

    origin: str
    flip_average: bool | str
    labels_of: str | None
    detect: bool
    min_confidence: float | None
    uncertainty: bool = False

    def __call__(self) -> pictures.Finder:
        """Loads them.

        Raises:
            UserError: as `load_net`, `to_answer` and `FaceDetector`.
        """
        tensorflow_start.start_quietly()
        from trained_nets.loading import load_net
        from trained_nets.provenance import provenance
        from trained_nets.uncertainty import to_answer

        detector = pictures.FaceDetector(self.min_confidence) if self.detect else None
        net = load_net(self.origin, labels_of=self.labels_of)
        answering = to_answer(net, self.flip_average, self.uncertainty)
        settings = {
            "weights": net.weights_digest,
            "labels_of": net.labels_of,
            "flip_average": self.flip_average,
            "detect": self.detect,
            "uncertainty": self.uncertainty,
        }
        if detector:
            given = self.min_confidence
            settings["min_confidence"] = pictures.MIN_CONFIDENCE if given is None else given
        return pictures.Finder(answering, detector, settings, {"net": net.origin} | provenance())
