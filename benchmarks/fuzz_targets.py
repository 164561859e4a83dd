"""The files that are damaged, and what a person's command does with each of them.

Everything lies in one folder: data in Kaggle's form, runs of a tiny net, a preset, pictures.
"""

import contextlib
import dataclasses
import gzip
import io
import json
import pathlib
import zipfile
from collections.abc import Callable
from unittest import mock

import numpy as np
import pandas as pd
import rich.console
from PIL import Image

import callbacks
import data_pipeline
import evaluate
import keypoint_schema
import pictures
import predict
import train
from data_pipeline import synthetic_faces
from evaluation import submission
from exporting.model_card import model_card
from trained_nets import loading, places, preset_store
from trained_nets.run_folder import RunFolder
from trained_nets.trained_net import TrainedNet

FACES = 12
_TRAINING = ("--model", "net1", "--set", "hidden_units=2", "--epochs", "3", "--seed", "1")


@dataclasses.dataclass(frozen=True)
class Target:
    """A file, and the command that reads it.

    Attributes:
        file: its path in the folder.
        kind: what `fuzz_mutations.mutate` takes.
        main: takes the folder; returns the exit status.
        weight: how often it is damaged, relative to the others.
        named: what a message about it must contain.
    """

    file: str
    kind: str
    main: Callable[[pathlib.Path], int | None]
    weight: float
    named: str = ""


def write_files(folder: pathlib.Path):
    """Writes every target's valid file, and what its command needs besides."""
    images, keypoints = synthetic_faces.draw_faces(FACES, seed=3)
    keypoints[2::3, 2:10] = np.nan
    training, test = _training_csv(images, keypoints), _test_csv(images)
    lookup = _lookup_csv()
    persons = "Row,Person\n" + "".join(f"{row},{row // 2}\n" for row in range(FACES))
    packed = _zipped({"training.csv": training})
    for name, content in {
        "csv/training.csv": training,
        "csv/test.csv": test,
        "csv/IdLookupTable.csv": lookup,
        "csv/training_persons.csv": persons.encode(),
        "gz/training.csv.gz": gzip.compress(training),
        "zip/training.zip": packed,
        "all/facial-keypoints-detection.zip": _zipped(
            {"training.zip": packed, "test.csv": test, "IdLookupTable.csv": lookup}
        ),
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    _write_pictures(folder / "pictures", images[0, :, :, 0])
    _write_runs(folder)


def _training_csv(images, keypoints):
    table = pd.DataFrame(keypoints.reshape(len(images), -1), columns=keypoint_schema.column_names())
    return _csv(table.assign(Image=_pixels(images)))


def _test_csv(images):
    return _csv(pd.DataFrame({"ImageId": range(1, 1 + len(images)), "Image": _pixels(images)}))


def _lookup_csv():
    asked = [(face, name) for face in (1, 2, 7) for name in keypoint_schema.column_names()]
    table = pd.DataFrame(asked, columns=["ImageId", "FeatureName"])
    return _csv(table.assign(RowId=range(1, 1 + len(table)), Location=""))


def _pixels(images):
    return [" ".join(map(str, image.ravel())) for image in images]


def _csv(table):
    return table.to_csv(index=False, lineterminator="\n").encode()


def _zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _write_pictures(folder, gray):
    folder.mkdir()
    picture = Image.fromarray(gray)
    for suffix in ("png", "jpg", "bmp", "webp", "tif"):
        picture.convert("RGB").save(folder / f"face.{suffix}")
    picture.save(folder / "face.gif", save_all=True, append_images=[picture.rotate(90)])
    Image.fromarray(gray.astype(np.uint16) * 257).save(folder / "deep.png")
    picture.convert("RGBA").save(folder / "clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    picture.save(folder / "turned.jpg", exif=exif)


def _write_runs(folder):
    """A finished run, one that Ctrl-C has stopped, and a preset made of the first."""

    def stop(self, epoch, logs=None):
        self.keep(epoch + 1)
        raise KeyboardInterrupt  # upon which it is saved

    options = [*_TRAINING, "--precision", "float32", "--data", str(folder / "csv")]
    options += ["--runs", str(folder)]
    with contextlib.redirect_stdout(io.StringIO()):
        train.main([*options, "--name", "run"])
        with mock.patch.object(callbacks.ResumeState, "on_epoch_end", stop):
            train.main([*options, "--name", "stopped"])
    net = loading.load_run(RunFolder(folder / "run"))
    shipped = preset_store.read_card("heatmap_s")
    accuracy = {net.labels_of: next(iter(shipped["accuracy"].values()))}
    card = shipped | {"name": "tiny", "run": net.config, "accuracy": accuracy}
    with mock.patch.object(places, "PRESETS", folder / "presets"):
        preset_store.write_preset("tiny", preset_store.to_float16(net.model), card)


def _load_training(form):
    def main(folder):
        data = data_pipeline.load_faces(folder / form)
        rich.console.Console(soft_wrap=True).print(data_pipeline.summary_table(data))
        data_pipeline.split(data, seed=1)

    return main


def _submit(form):
    def main(folder):
        images, image_ids = data_pipeline.load_test(folder / form)
        lookup = data_pipeline.load_lookup(folder / form, image_ids)
        keypoints = np.full((len(images), keypoint_schema.NUM_KEYPOINTS, 2), 40.0, np.float32)
        answers = submission.Answers(image_ids, keypoints, keypoint_schema.NAMES)
        submission.write_submission(folder / "submission.csv", lookup, answers)

    return main


def _load_all(folder):
    _load_training("all")(folder)
    return _submit("all")(folder)


def _evaluate(*options):
    def main(folder):
        places = ["--data", str(folder / "csv"), "--rows", "validation"]
        return evaluate.main([str(folder / "run"), *places, *options])

    return main


def _report(folder):
    return _evaluate("--report", str(folder / "report"))(folder)


def _export_card(folder):
    """What export.py takes from a run's configuration, without the rest of an export."""
    net = loading.load_keras_net(folder / "run")
    json.dumps(model_card(net, flip_average=False, parameters=1))


def _resume(folder):
    before = {file: file.read_bytes() for file in (folder / "stopped").iterdir()}
    options = ["--precision", "float32", "--data", str(folder / "csv"), "--runs", str(folder)]
    try:
        return train.main([*_TRAINING, *options, "--name", "stopped", "--resume"])
    finally:
        for file, content in before.items():
            file.write_bytes(content)


def _use_preset(folder):
    with mock.patch.object(places, "PRESETS", folder / "presets"):
        net = preset_store.load_preset("tiny")
        for flip_average in (False, True):
            json.dumps(model_card(net, flip_average, parameters=1))
        options = ["--flip-average", "--out", str(folder / "found.csv")]
        face = str(folder / "pictures/face.bmp")
        return predict.main(["--preset", "tiny", face, *options])


def _find_in(name):
    def main(folder):
        def predict_center(faces):
            return np.full((len(faces), 1, 2), 47.5, np.float32)

        finder = pictures.Finder(TrainedNet("net", ("nose_tip",), predict_center), None)
        outputs = pictures.Outputs(folder / "found.json", folder / "annotated")
        paths = pictures.find_pictures([folder / "pictures" / name])
        return pictures.write_keypoints(paths, lambda: finder, outputs)

    return main


_PICTURES = (
    "face.png", "face.jpg", "face.bmp", "face.webp", "face.tif", "face.gif", "deep.png",
    "clear.png", "turned.jpg",
)  # fmt: skip
TARGETS = (
    Target("csv/training.csv", "table", _load_training("csv"), 24, "training"),
    Target("csv/training_persons.csv", "table", _load_training("csv"), 8, "training_persons.csv"),
    Target("csv/test.csv", "table", _submit("csv"), 8),
    Target("csv/IdLookupTable.csv", "table", _submit("csv"), 8, "IdLookupTable"),
    Target("gz/training.csv.gz", "bytes", _load_training("gz"), 2, "training.csv.gz"),
    Target("zip/training.zip", "zip", _load_training("zip"), 4),
    Target("all/facial-keypoints-detection.zip", "zip", _load_all, 4),
    Target("run/config.json", "json", _evaluate("--flip-average"), 8, "run"),
    Target("run/config.json", "json", _export_card, 3, "run"),
    Target("run/history.csv", "table", _evaluate(), 4, "run"),
    Target("run/history.csv", "table", _report, 0.2, "run"),
    Target("run/model.keras", "zip", _evaluate(), 3, "model.keras"),
    Target("stopped/config.json", "json", _resume, 4, "stopped"),
    Target("stopped/history.csv", "table", _resume, 2, "stopped"),
    Target("stopped/resume.npz", "npz", _resume, 5, "resume.npz"),
    Target("presets/tiny/card.json", "json", _use_preset, 6, "tiny"),
    Target("presets/tiny/weights.npz", "npz", _use_preset, 4, "tiny"),
    *(Target(f"pictures/{name}", "bytes", _find_in(name), 1.5, name) for name in _PICTURES),
)
