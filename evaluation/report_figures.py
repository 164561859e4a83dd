"""Which figures a report holds, made from the nets' judgements."""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

import command_line
import keypoint_schema
from evaluation import figures
from evaluation.history import History
from evaluation.judgement import Judgement

_LONGEST_STEM = 120  # characters; file systems take 255 bytes
_AT_A_TIME = 10_000  # images, for their mean


@dataclasses.dataclass(frozen=True)
class ReportNet:
    """A net in a report.

    Attributes:
        judgement: its figures on the data set's faces.
        histories: by net, specialist or fold; empty if not known.
        first_layers: weights by title, from `first_layers`.
        sample_keypoints: `(M, 15, 2)` px, its predictions for the sample faces.
    """

    judgement: Judgement
    histories: Mapping[str, History]
    first_layers: Mapping[str, np.ndarray]
    sample_keypoints: np.ndarray


@dataclasses.dataclass(frozen=True)
class ReportFaces:
    """The faces of a report.

    Attributes:
        images: `(N, 96, 96, 1)`, an array, or `StoredRows`, of which few are read.
        labels: `(N, 15, 2)` px, NaN where unlabelled.
        samples: `(M, 96, 96, 1)`, for the 4 × 4 pictures.
    """

    images: np.ndarray
    labels: np.ndarray
    samples: np.ndarray

    @functools.cached_property
    def mean_image(self) -> np.ndarray:
        """The mean face, `(96, 96, 1)`; it takes reading them all."""
        total = np.zeros(self.images.shape[1:])
        for first in range(0, len(self.images), _AT_A_TIME):
            total += np.asarray(self.images[first : first + _AT_A_TIME]).sum(axis=0, dtype=np.int64)
        return total / len(self.images)


@dataclasses.dataclass(frozen=True)
class NamedFigure:
    """A figure, the file stem that it is saved under, and what it shows."""

    stem: str
    caption: str
    figure: Figure


def report_figures(
    nets: Sequence[ReportNet], faces: ReportFaces, threshold: float
) -> Iterator[NamedFigure]:
    """Makes the figures one after the other, so that few are in memory at once.

    Args:
        nets: in the order of the tables.
        faces: that they predicted.
        threshold: NME above which a face counts as a failure.

    Returns:
        Figures whose stems are different file names, whatever the nets are called.
    """
    taken = set()
    for named in _every_figure(nets, faces, threshold):
        stem = _file_stem(named.stem, taken)
        taken.add(stem)
        yield dataclasses.replace(named, stem=stem)


def _file_stem(wanted, taken):
    """Nets of one name are called by their paths, which must not lead out of the folder."""
    safe = re.sub(r"[^\w.-]+", "-", wanted)
    safe = re.sub(r"(^|_)[.-]+", r"\1", safe)[:_LONGEST_STEM]
    numbered = (f"{safe}-{number}" for number in itertools.count(2))
    return next(stem for stem in itertools.chain([safe], numbered) if stem not in taken)


def _every_figure(nets, faces, threshold):
    yield from _curves(nets)
    errors = {net.judgement.name: net.judgement.face_nme for net in nets}
    yield NamedFigure(
        "cumulative_error",
        "The fraction of faces whose error is at most x; the higher the curve, the better.",
        figures.error_curve(errors, threshold),
    )
    if len(nets) > 1:
        yield from _disagreement(nets[-2].judgement.net, nets[-1].judgement.net, faces.images)
    yield from _flip(faces.images, faces.labels)
    for net in nets:
        yield from _of_one_net(net, faces)


def _curves(nets):
    nets = [net for net in nets if _was_validated(net)]
    single = {name: each for net in nets for name, each in net.histories.items() if _is_net(net)}
    if len(single) > 1:
        yield NamedFigure(
            "learning_curves",
            "Train loss dashed, validation loss solid; dropout is at work in the train loss only.",
            figures.learning_curves(single),
        )
    for net in nets:
        name = net.judgement.name
        if not _is_specialists(net):
            yield NamedFigure(
                f"learning_curves_{name}",
                f"How {name} learned. Dropout, if it has any, is at work in the train loss only.",
                figures.learning_curves(net.histories),
            )
        else:
            yield NamedFigure(
                f"specialist_curves_{name}",
                f"RMSE of the six nets of {name} by their share of epochs: validation solid, train "
                "dashed, and in black the mean of the solid curves, weighted by how many values "
                "each predicts. The tables' RMSE is another mean, over all labels together: some "
                "keypoints have many more labels than others.",
                figures.specialist_curves(net.histories),
            )


def _was_validated(net):
    tables = [history.table for history in net.histories.values()]
    return bool(tables) and not any(table["valid_loss"].isna().any() for table in tables)


def _is_net(net):
    return list(net.histories) == [net.judgement.name]


def _is_specialists(net):
    return set(net.histories) == {each.name for each in keypoint_schema.SPECIALISTS}


def _disagreement(first, second, images):
    of_both = np.isfinite(first.predicted) & np.isfinite(second.predicted)
    labels = np.where(of_both & np.isfinite(first.judged_labels), second.judged_labels, np.nan)
    both = np.isfinite(labels).any((1, 2))
    if both.any():
        yield NamedFigure(
            f"{first.name}_and_{second.name}",
            f"Of the faces that both are judged by, those on which {first.name} (above) and "
            f"{second.name} (below) differ most; RMSE px above each.",
            figures.disagreement(
                images[both],
                first.predicted[both],
                second.predicted[both],
                (first.name, second.name),
                labels[both],
            ),
        )


def _flip(images, labels):
    complete = np.flatnonzero(np.isfinite(labels).all((1, 2)))
    if len(complete):
        yield NamedFigure(
            "flip",
            "Mirroring a face moves its labels, and makes left keypoints right ones: without "
            "swapping them a net is taught that the left eye may be on either side.",
            figures.flip(np.asarray(images[complete[:1]])[0], labels[complete[0]]),
        )


def _of_one_net(net, faces):
    judgement = net.judgement
    name, of_net = judgement.name, judgement.net
    yield NamedFigure(
        f"predictions_{name}",
        f"What {name} finds in {command_line.counted(len(faces.samples), 'face')}.",
        figures.predictions(faces.samples, net.sample_keypoints, name),
    )
    yield NamedFigure(
        f"best_and_worst_{name}",
        f"Of the faces that {name} is judged by, those with the smallest and the largest error.",
        figures.best_and_worst(
            faces.images, of_net.predicted, of_net.judged_labels, judgement.face_nme, name
        ),
    )
    yield NamedFigure(
        f"keypoint_errors_{name}",
        f"RMSE px of {name} by keypoint, as a circle of that radius on the mean face.",
        figures.keypoint_errors(
            faces.mean_image,
            # Unlike nanmean, this does not warn of a keypoint that has no label at all.
            np.ma.masked_invalid(faces.labels).mean(axis=0).filled(np.nan),
            {keypoint: estimate.value for keypoint, estimate in judgement.keypoints.items()},
            name,
        ),
    )
    for title, weights in net.first_layers.items():
        stem = "_".join(dict.fromkeys(["filters", name, *title.split(": ")[:-1]]))
        kind = "filters" if weights.ndim == 4 else "hidden weights as 96×96 pictures"
        yield NamedFigure(
            stem,
            f"{title}: {kind}; light is positive, dark negative.",
            figures.filters(weights, title),
        )
