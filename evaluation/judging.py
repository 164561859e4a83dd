"""What evaluate.py does with nets: judges them, shows the tables, and writes what is asked for."""

import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import rich.console

import atomic_write
import command_line
from errors import UserError
from evaluation.first_layers import first_layers
from evaluation.judgement import Net, judge
from evaluation.results import Results, compare_neighbours

_SAMPLES = 16  # faces in a 4 × 4 picture


@dataclasses.dataclass(frozen=True)
class Request:
    """What is to be measured and written.

    Attributes:
        rows: which faces count, "validation" or "all".
        flip_average: whether the nets' answers are means over a face and its mirror image;
            "symmetric" without the mirror offset of the labels.
        threshold: NME above which a face counts as a failure.
        report: a folder for the report; None for none.
        json: a file for all numbers; None for none.
    """

    rows: str
    flip_average: bool | str
    threshold: float
    report: pathlib.Path | None = None
    json: pathlib.Path | None = None

    def require_writable(self):
        """Tries every place that results go to, before the work.

        Raises:
            UserError: if one cannot be written.
        """
        places = [self.json] * bool(self.json)
        if self.report:
            places += [self.report / "index.html", self.report / "figures" / "flip.png"]
        for place in places:
            atomic_write.require_writable(place)


def judge_and_report(
    nets: Sequence[Net], data, load_test_images: Callable[[], np.ndarray], request: Request
) -> None:
    """Judges nets, prints the tables, and writes the report.

    Args:
        nets: in the order of the tables; each is compared with the one before it.
        data: the `data_pipeline.FaceData` that they predicted, with its labels in memory.
        load_test_images: loads faces for the 4 × 4 pictures; may raise a `UserError`.
        request: what to measure and write.
    """
    results = _judge_all([net.predictions for net in nets], data, request)
    if request.json:
        atomic_write.write_text(request.json, results.to_json())
    _print(results)
    if request.report:
        page = _write_report(nets, data, load_test_images, results, request.report)
        print(f"\nReport: {page}")


def _judge_all(nets, data, request):
    rows = "faces held out by each run's split" if request.rows == "validation" else "all faces"
    unit = "persons" if data.grouped_by == "person" else "pictures"
    averaged = "; answers averaged with those for mirror images" * bool(request.flip_average)
    averaged += ", as if labels were symmetric" * (request.flip_average == command_line.SYMMETRIC)
    faces = command_line.counted(len(data), "face")
    return Results(
        about=f"{data.description}: {faces}; judged by {rows}; resampled by {unit}{averaged}.",
        rows=request.rows,
        threshold=request.threshold,
        judgements=[judge(net, data.keypoints, data.groups, request.threshold) for net in nets],
        comparisons=compare_neighbours(nets, data.groups),
    )


def _print(results):
    console = rich.console.Console()
    wide = rich.console.Console(width=1000)
    console.print(results.about, highlight=False, markup=False)
    for table in results.tables():
        shown = table.to_rich()
        console.print()
        # A line that the terminal breaks reads better than numbers cut short to fit.
        fitting = rich.console.Console(width=max(console.width, wide.measure(shown).maximum))
        fitting.print(shown, highlight=False)
        if table.note:
            console.print(table.note, style="dim", highlight=False, markup=False)


def _write_report(nets, data, load_test_images, results, folder):
    from evaluation import report, report_figures  # Matplotlib is loaded for a report alone

    samples, note = _samples(data, load_test_images, results.judgements[0])
    report_nets = [
        report_figures.ReportNet(
            judgement, net.histories, first_layers(net.model), net.predict_all(samples)
        )
        for net, judgement in zip(nets, results.judgements, strict=True)
    ]
    faces = report_figures.ReportFaces(data.images, data.keypoints, samples)
    figures = report_figures.report_figures(report_nets, faces, results.threshold)
    return report.write_report(folder, results, note, figures)


def _samples(data, load_test_images, first):
    """Sixteen test faces; of those that the first net is judged by, if there is no test table."""
    try:
        images = load_test_images()[:_SAMPLES]
        shown = command_line.counted(len(images), "test face")
        return images, f"The 4 × 4 pictures show the first {shown}."
    except UserError as error:
        is_judged = np.isfinite(first.net.judged_labels).any((1, 2))
        note = f"The 4 × 4 pictures show faces that {first.name} is judged by: {error}"
        return np.asarray(data.images[is_judged][:_SAMPLES]), note
