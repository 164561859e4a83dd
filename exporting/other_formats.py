"""Writes ONNX, LiteRT and OpenVINO files, and compares each with the SavedModel on faces."""

import dataclasses
import pathlib
import shutil
import time
from collections.abc import Callable

import numpy as np

from errors import UserError
from exporting import litert_format, onnx_format, openvino_format
from exporting.float32_copy import float32_copy
from exporting.model_card import model_card, write_card_file
from exporting.publishing import building_folder, new_version, refuse_versions_with
from exporting.saved_model_export import require_tensorflow
from exporting.session import open_saved_model
from exporting.signatures import write_saved_model
from exporting.verification import require_equal

COMPARED_FACES = 256
CALIBRATION_FACES = 128  # for int8; separate from the compared faces if there are enough
TIMED_RUNS = 30  # at batch 1


@dataclasses.dataclass(frozen=True)
class Measured:
    """One row of the table.

    Attributes:
        name: format and number type.
        megabytes: size on disk.
        rmse_to_saved_model: px, over all keypoints of the compared faces.
        rmse_to_labels: px, over the labelled ones; NaN if there are none.
        milliseconds: median for one face at batch 1.
    """

    name: str
    megabytes: float
    rmse_to_saved_model: float
    rmse_to_labels: float
    milliseconds: float


def export_other_format(net, folder, kind, faces, flip_average=False, version=None):
    """Writes files in another format, with a model card beside them.

    ONNX is `<folder>/<name>.onnx`, LiteRT three files likewise; files of the same names are
    replaced. OpenVINO's two files belong together, so they are published as a SavedModel is, in
    `<folder>/<version>/`, which is also where its server looks for them.

    Args:
        net: a `TrainedNet` with a Keras model.
        folder: where the files go.
        kind: "onnx", "litert" or "openvino".
        faces: a `FaceData` for calibration and comparison.
        flip_average: whether the graph averages each face with its mirror image.
        version: a free version number for "openvino"; None takes the next one.

    Returns:
        The folder that holds the files, and a list of `Measured`, the SavedModel first.

    Raises:
        UserError: if the format's package is missing, `folder` cannot be written, the version is
            taken, `folder` holds SavedModels and `kind` is "openvino", or as for
            `export_saved_model`.
        RuntimeError: if a float32 file does not equal the Keras model.
    """
    writer = {"onnx": onnx_format, "litert": litert_format, "openvino": openvino_format}[kind]
    if not writer.is_installed():
        raise UserError(
            f"--format {kind} needs further packages. Install them: pip install -e '.[{kind}]'."
        )
    require_tensorflow()
    mirror = net.mirror() if flip_average else None
    model = float32_copy(net.model)
    folder = pathlib.Path(folder)
    faces = faces.select(net.names, complete=False)
    card = model_card(net, flip_average, model.count_params())

    def build(building, stem):
        calibration, compared = _choose_faces(faces)
        saved_model = building / "saved_model"
        write_saved_model(model, net.names, saved_model, mirror, guarded=False)
        files = writer.write(saved_model, building, stem, calibration)
        ways = _load(files, writer)
        for name, (predict, _) in ways.items():
            if name.endswith("float32"):
                require_equal(_answering(name, predict), model, mirror)
        rows = _measure_all(saved_model, ways, compared)
        shutil.rmtree(saved_model)
        write_card_file(building / f"{stem}.json", card)
        return rows

    if kind == "openvino":
        refuse_versions_with(folder, "saved_model.pb")
        with new_version(folder, version) as (building, number):
            rows = build(building, "model")
        return folder / str(number), rows
    with building_folder(folder) as building:
        rows = build(building, folder.resolve().name)
        _move(sorted(building.iterdir()), folder)
    return folder, rows


def _load(files, writer):
    """By name, a function that answers faces, and the size of its files in bytes."""
    ways = {name: (writer.load(file), _size(file)) for name, file in files.items()}
    if writer is openvino_format and openvino_format.has_bfloat16():
        (file,) = files.values()
        ways["OpenVINO bfloat16"] = openvino_format.load(file, "bf16"), _size(file)
    return ways


def _size(file):
    weights = file.with_suffix(".bin")  # OpenVINO's
    return file.stat().st_size + (weights.stat().st_size if weights.exists() else 0)


def _answering(name, predict):
    return lambda faces: {name: predict(faces.astype(np.float32))}


def _move(files, folder):
    """Moves all files or none: a folder in the place of one is found before any is moved."""
    for file in files:
        if (folder / file.name).is_dir():
            raise UserError(
                f"{folder / file.name} must be a file, but a folder of that name exists. "
                "Move it away, or choose another --out."
            )
    for file in files:
        file.replace(folder / file.name)


def _choose_faces(faces):
    order = np.random.default_rng(0).permutation(len(faces))
    compared = order[:COMPARED_FACES]
    calibration = order[COMPARED_FACES:][:CALIBRATION_FACES]
    if not len(calibration):
        calibration = compared
    calibrating = np.asarray(faces.images[np.sort(calibration)], np.float32)
    return calibrating, faces.rows(np.sort(compared))


def _measure_all(saved_model, ways, faces):
    images = np.asarray(faces.images, np.float32)
    with open_saved_model(saved_model) as saved:

        def reference(batch):
            return saved.run("serving_default", images=batch)["keypoints"]

        expected = reference(images)
        size = sum(file.stat().st_size for file in saved_model.rglob("*") if file.is_file())
        rows = [_measure("SavedModel float32", size, reference, images, faces, expected)]
    for name, (predict, size) in ways.items():
        rows.append(_measure(name, size, predict, images, faces, expected))
    return rows


def _measure(name, size, predict: Callable, images, faces, expected):
    answers = np.concatenate([predict(images[i : i + 32]) for i in range(0, len(images), 32)])
    if answers.shape != expected.shape or not np.isfinite(answers).all():
        raise RuntimeError(f"{name} must answer {expected.shape}. Received: {answers.shape}.")
    return Measured(
        name=name,
        megabytes=size / 1e6,
        rmse_to_saved_model=_rmse(answers - expected),
        rmse_to_labels=_rmse(answers - faces.keypoints),
        milliseconds=_median_milliseconds(lambda: predict(images[:1])),
    )


def _rmse(differences):
    known = differences[~np.isnan(differences)]
    return float(np.sqrt(np.mean(np.square(known, dtype=np.float64)))) if known.size else np.nan


def _median_milliseconds(call):
    call()
    seconds = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds) * 1e3)
