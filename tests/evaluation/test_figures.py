"""Figures show what they say, in files that are the same every time."""

import os
import pathlib
import struct
import subprocess
import sys
import types
import xml.etree.ElementTree

import matplotlib.colors
import numpy as np
import pandas as pd
import pytest

import evaluation
import keypoint_schema
from errors import UserError
from evaluation import figures, metrics, report_figures
from evaluation.figures import style
from evaluation.figures.disagreement import most_different
from evaluation.figures.specialist_curves import weighted_mean
from evaluation.first_layers import as_pictures, first_layers
from evaluation.judgement import judge
from evaluation.report import write_report
from evaluation.report_figures import NamedFigure
from evaluation.results import Results
from tests import run_fixtures, small_data

IMAGES, LABELS = small_data.faces()
SPECIALISTS = [specialist.name for specialist in keypoint_schema.SPECIALISTS]


def history(epochs, best, kept=None):
    epoch = np.arange(1, epochs + 1)
    valid = 0.002 + 1e-5 * np.abs(epoch - best)
    table = pd.DataFrame({"epoch": epoch, "train_loss": 0.004 / epoch, "valid_loss": valid})
    return evaluation.History(table, kept)


def points_of(axes):
    return [np.asarray(collection.get_offsets()) for collection in axes.collections]


def all_figures():
    distance = metrics.inter_ocular_distance(LABELS)
    predicted = np.nan_to_num(LABELS, nan=40.0) + 1.5
    nme = metrics.face_nme(predicted, LABELS, distance)
    rmse = dict.fromkeys(keypoint_schema.NAMES, 1.5)
    mean = np.nanmean(LABELS, axis=0)
    return {
        "curve": figures.learning_curves({"net1": history(20, 15)}),
        "curves": figures.learning_curves({f"net{i}": history(9 + i, 5) for i in range(9)}),
        "specialists": figures.specialist_curves({name: history(9, 5) for name in SPECIALISTS}),
        "predictions": figures.predictions(IMAGES, predicted, "net1"),
        "differ": figures.disagreement(IMAGES, predicted, LABELS, ("net1", "net2"), LABELS),
        "flip": figures.flip(IMAGES[0], LABELS[0]),
        "best": figures.best_and_worst(IMAGES, predicted, LABELS, nme, "net1"),
        "errors": figures.keypoint_errors(IMAGES.mean(0), mean, rmse, "net1"),
        "cumulative": figures.error_curve({"net1": nme, "net2": nme / 2}, 0.1),
        "filters": figures.filters(np.ones((3, 3, 1, 32)), "net2: conv1"),
        "hidden": figures.filters(np.ones((9216, 5)), "net1: hidden"),
    }


@pytest.fixture(scope="module")
def made():
    return all_figures()


CHOSEN = ("curve", "differ", "hidden")  # one of each kind is enough


def written_report(folder, made, chosen=CHOSEN):
    named = [NamedFigure(name, "What it shows.", made[name]) for name in chosen]
    net = evaluation.NetPredictions("net1", "a net", LABELS + 1, LABELS)
    judgement = judge(net, LABELS, np.arange(len(LABELS)), 0.1)
    write_report(folder, Results("By hand.", "all", 0.1, [judgement], []), "A note.", named)
    return contents(folder)


def contents(folder):
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def test_figures_in_a_report_are_the_same_every_time(made, tmp_path):
    files = written_report(tmp_path / "first", made)
    again = written_report(tmp_path / "second", all_figures())
    expected = [f"figures/{stem}.{kind}" for stem in CHOSEN for kind in ("png", "svg")]
    assert list(files) == [*expected, "index.html", "nets.csv", "results.json", "tables.md"]
    assert files == again
    for file, content in files.items():
        if file.endswith(".png"):
            assert content[:8] == b"\x89PNG\r\n\x1a\n"
            width, height = struct.unpack(">II", content[16:24])
            assert width > 600, file
            assert height > 300, file
        if file.endswith(".svg"):
            assert xml.etree.ElementTree.fromstring(content).tag.endswith("svg")


def test_a_report_has_no_figures_of_an_earlier_one_beside_its_own(made, tmp_path):
    written_report(tmp_path, made)
    foreign = tmp_path / "figures" / "mine.png"
    foreign.touch()
    written_report(tmp_path, made, ("curve", "flip"))
    expected = {f"{stem}.{kind}" for stem in ("curve", "flip") for kind in ("png", "svg")}
    assert {file.name for file in foreign.parent.iterdir()} == {*expected, "mine.png"}


def test_figures_in_a_report_are_replaced_whole_or_not_at_all(made, tmp_path, monkeypatch):
    before = written_report(tmp_path, made)
    written = []

    def fail(source, target):
        written.append((pathlib.Path(source).read_bytes(), pathlib.Path(target)))
        raise OSError("a full disk")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match="a full disk"):
        written_report(tmp_path, made)
    assert written == [(before["figures/curve.png"], tmp_path / "figures" / "curve.png")]
    assert contents(tmp_path) == before


def test_learning_curves_mark_the_best_epoch_on_a_log_scale(made):
    axes = made["curve"].axes[0]
    assert axes.get_yscale() == "log"
    marker = next(line for line in axes.lines if line.get_marker() == "o")
    assert marker.get_xdata() == [15]
    assert {line.get_linestyle() for line in axes.lines[:2]} == {"-", "--"}


def test_learning_curves_mark_the_epoch_that_was_kept_whatever_its_squared_error():
    histories = {"huber": history(20, 15, kept=18), "mse": history(20, 15)}
    axes = figures.learning_curves(histories).axes[0]
    markers = [line.get_xydata() for line in axes.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(np.concatenate(markers), [[18, 0.00203], [15, 0.002]])


@pytest.mark.parametrize("nets", [1, 2])
def test_learning_curves_of_one_epoch_are_points_beside_the_legend(nets):
    figure = figures.learning_curves({f"net{i}": history(1, 1) for i in range(nets)})
    axes = figure.axes[0]
    figure.draw_without_rendering()
    ticks = axes.get_xticks()
    np.testing.assert_array_equal(ticks, np.round(ticks))
    assert all(line.get_marker() in {"x", ".", "o"} for line in axes.lines)
    assert len(figure.legends) == 1
    points = axes.transData.transform([line.get_xydata()[0] for line in axes.lines])
    for legend in figure.legends:
        assert not legend.get_window_extent().count_contains(points)


@pytest.mark.filterwarnings("error:constrained_layout not applied")
def test_long_names_leave_room_for_the_curves():
    names = [f"/a/{'long/' * 40}path/of/{part}/net" for part in ("one", "another")]
    figure = figures.learning_curves({name: history(9, 5) for name in names})
    figure.draw_without_rendering()
    assert figure.axes[0].get_window_extent().height > 200
    legend = figure.legends[0]
    assert legend.get_window_extent().x0 > 0
    assert legend.get_texts()[1].get_text().endswith("path/of/another/net")


def test_learning_curves_of_many_epochs_are_lines(made):
    assert [line.get_marker() for line in made["curve"].axes[0].lines] == ["", "", "o"]


def test_nine_nets_have_nine_colours(made):
    axes = made["curves"].axes[0]
    solid = [line for line in axes.lines if str(line.get_label()).startswith("net")]
    assert len({line.get_color() for line in solid}) == 9


def test_a_tenth_net_has_dashes_of_its_own():
    axes = figures.learning_curves({f"net{i}": history(9, 5) for i in range(10)}).axes[0]
    curves = [line for line in axes.lines if line.get_marker() != "o"]
    assert len({(line.get_color(), line.get_linestyle()) for line in curves}) == 20


def test_colours_differ_for_the_colour_blind():
    """Every pair differs in lightness or in the blue-yellow axis, which deuteranopes see too."""
    rgb = np.array([matplotlib.colors.to_rgb(color) for color in style.CYCLE[:7]])
    luminance = rgb @ [0.2126, 0.7152, 0.0722]
    blue_yellow = rgb[:, 2] - rgb[:, :2].mean(1)
    for i in range(7):
        for j in range(i):
            apart = np.hypot(luminance[i] - luminance[j], blue_yellow[i] - blue_yellow[j])
            assert apart > 0.1, (style.CYCLE[i], style.CYCLE[j])


def test_specialists_mean_is_weighted_by_target_values():
    curves = {name: np.zeros(3) for name in SPECIALISTS}
    curves["eye_corners"] = np.full(3, 30.0)  # 8 of the 30 values
    np.testing.assert_allclose(weighted_mean(curves), 8.0)


def test_the_legend_of_specialists_says_what_their_mean_is_and_lies_below_the_curves():
    epochs = dict.fromkeys(SPECIALISTS, 9) | {"nose_tip": 1}
    curves = {name: history(count, 5) for name, count in epochs.items()}
    figure = figures.specialist_curves(curves)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels[0] == "eye centers (4 values, 9 epochs)"
    assert labels[1] == "nose tip (2 values, 1 epoch)"
    assert labels[-1] == f"mean by values, at the end {48 * np.sqrt(0.00204):.2f} px"
    assert legend.get_window_extent().y1 < figure.axes[0].get_window_extent().y0


def test_specialist_curves_have_one_length(made):
    curves = figures.specialist_curves(
        {name: history(5 + 20 * i, 3) for i, name in enumerate(SPECIALISTS)}
    )
    assert {len(line.get_xdata()) for line in curves.axes[0].lines} == {100}
    assert len(curves.axes[0].lines) == 13
    # 0.002 at the best epoch is 48 · √0.002 px.
    first_valid = curves.axes[0].lines[1].get_ydata()
    assert first_valid.min() == pytest.approx(48 * np.sqrt(0.002), rel=0.01)


def test_predictions_lie_where_they_were_predicted(made):
    axes = made["predictions"].axes
    assert len(axes) == 16
    np.testing.assert_allclose(points_of(axes[1])[0], np.nan_to_num(LABELS[1], nan=40) + 1.5)
    np.testing.assert_array_equal(axes[1].images[0].get_array(), IMAGES[1, :, :, 0])


def test_a_point_outside_does_not_shrink_the_picture():
    points = np.full((1, 15, 2), 150.0)
    axes = figures.predictions(IMAGES[:1], points, "net").axes[0]
    assert axes.get_xlim() == (-0.5, 95.5)
    assert axes.get_ylim() == (95.5, -0.5)


def test_faces_where_nets_differ_most_come_first():
    first = np.zeros((3, 2, 2))
    second = first + np.array([1.0, 9.0, 5.0])[:, None, None]
    second[1, 0] = np.nan
    assert most_different(first, second).tolist() == [1, 2, 0]


def test_flip_shows_the_missing_swap(made):
    unswapped, swapped = (points_of(axes) for axes in made["flip"].axes[1:3])
    # Groups are left, right, middle. Left keypoints belong on the right-hand side of the picture.
    assert unswapped[0][:, 0].mean() < unswapped[1][:, 0].mean()
    assert swapped[0][:, 0].mean() > swapped[1][:, 0].mean()
    both = [np.sort(np.concatenate(groups), axis=0) for groups in (unswapped, swapped)]
    np.testing.assert_allclose(*both)
    # The nose, mirrored with its pixels: x -> 95 - x.
    nose = LABELS[0, keypoint_schema.NAMES.index("nose_tip")]
    assert np.abs(swapped[2] - [95 - nose[0], nose[1]]).max(1).min() < 1e-4


def test_best_faces_come_before_the_worst():
    nme = np.linspace(1, 2, len(IMAGES))
    nme[3], nme[4] = 0.01, np.nan
    figure = figures.best_and_worst(IMAGES, LABELS, LABELS, nme, "net")
    captions = [axes.get_title() for axes in figure.axes]
    assert captions[0] == "NME 1.0%"
    assert captions[6] == "NME 200.0%"
    assert not any("nan" in caption for caption in captions)


def test_the_mean_face_is_computed_once():
    faces = report_figures.ReportFaces(IMAGES, LABELS, IMAGES[:1])
    np.testing.assert_allclose(faces.mean_image, IMAGES.mean(0))
    assert faces.mean_image is faces.mean_image


def test_keypoint_errors_are_circles_of_that_radius(made):
    circles = made["errors"].axes[0].patches
    assert len(circles) == 15
    assert {circle.radius for circle in circles} == {1.5}
    np.testing.assert_allclose(circles[10].center, np.nanmean(LABELS[:, 10], axis=0))


def test_cumulative_curve_ends_at_the_faces_within_its_limit():
    figure = figures.error_curve({"net": np.array([0.02, 0.05, 0.5, np.nan])}, 0.1)
    line = figure.axes[0].lines[0]
    assert line.get_ydata()[-1] == pytest.approx(2 / 3)


def test_a_net_without_errors_has_no_area_in_the_legend():
    errors = {"net": np.array([0.05, np.nan]), "nothing": np.full(2, np.nan)}
    (legend,) = figures.error_curve(errors, 0.1).legends
    assert [text.get_text() for text in legend.get_texts()] == ["net: AUC 0.50", "nothing"]


@pytest.mark.parametrize("threshold", [0.1, 0.125, 0.03, 0.005])
def test_errors_on_the_cumulative_curve_are_labelled_as_they_are(threshold):
    figure = figures.error_curve({"net": np.array([threshold])}, threshold)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    shown = [text.get_text() for text in axes.get_xticklabels()]
    exact = [float(text.removesuffix("%")) / 100 for text in shown]
    np.testing.assert_allclose(exact, axes.get_xticks(), atol=1e-12)
    (failure,) = axes.texts
    assert failure.get_text() == f"failure above {threshold:.1%}".replace(".0%", "%")


def test_the_legend_of_the_cumulative_curve_lies_below_it(made):
    made["cumulative"].draw_without_rendering()
    (legend,) = made["cumulative"].legends
    axes = made["cumulative"].axes[0]
    assert legend.get_window_extent().y1 < axes.get_window_extent().y0


def test_hidden_weights_become_pictures():
    weights = np.zeros((9216, 20), np.float32)
    weights[95, 4] = 2  # the top right pixel
    pictures = as_pictures(weights)
    assert pictures.shape == (16, 96, 96)
    assert pictures.sum(0)[0, 95] == 2
    with pytest.raises(ValueError, match="First-layer weights"):
        as_pictures(np.zeros((100, 4)))


def test_first_layers_are_found_in_nets_and_specialists():
    from models import build, merge_specialists

    assert {k: v.shape for k, v in first_layers(build("net2")).items()} == {
        "net2: conv1": (3, 3, 1, 32)
    }
    assert list(first_layers(run_fixtures.mean_net(LABELS[0], "small"))) == ["small: hidden"]
    nets = {
        each.name: run_fixtures.mean_net(LABELS[0, : len(each.keypoints)], each.name)
        for each in keypoint_schema.SPECIALISTS
    }
    assert list(first_layers(merge_specialists(nets))) == [
        f"{name}: hidden" for name in SPECIALISTS
    ]


def test_figures_need_no_display_and_leave_the_style_alone():
    code = (
        "import matplotlib, evaluation.figures as f, numpy as np\n"
        "before = dict(matplotlib.rcParams)\n"
        "f.rendered(f.error_curve({'a': np.array([.1])}, .1), 'png')\n"
        "assert dict(matplotlib.rcParams) == before\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "/usr/bin:/bin"})


def test_nets_without_a_common_keypoint_are_not_compared():
    def net(name, keypoints):
        predicted = np.full((4, 15, 2), np.nan, np.float32)
        predicted[:, keypoints] = 40
        return types.SimpleNamespace(name=name, predicted=predicted, judged_labels=predicted + 1)

    images = np.zeros((4, 96, 96, 1), np.uint8)
    compared = report_figures._disagreement
    assert list(compared(net("eyes", [0, 1]), net("nose", [10]), images)) == []
    assert len(list(compared(net("eyes", [0, 1]), net("eye", [1]), images))) == 1
