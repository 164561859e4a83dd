"""Run folders as `train.py` leaves them, made in no time: small nets with fixed weights."""

import pathlib

import keras
import numpy as np

import callbacks.history_csv
import data_pipeline
import keypoint_schema
from trained_nets import places
from trained_nets.run_folder import RunFolder

VALID_LOSSES = (0.02, 0.008, 0.009, 0.0085)  # mean squared errors
TRAIN_LOSSES = (0.03, 0.01, 0.007, 0.005)
BEST_EPOCH = 3  # by another loss, as of a net that is trained with one


def mean_net(points, name="net", offset=0.0, brightness=0.0):
    """A net that answers with the same keypoints, `(K, 2)` px, for any face.

    Args:
        points: where they are.
        name: the model's.
        offset: px that every coordinate is off.
        brightness: how far a face's mean brightness moves the answer, in normalized units.
    """
    size = keypoint_schema.IMAGE_SIZE
    images = keras.Input((size, size, 1), name="images")
    x = keras.layers.Rescaling(1 / 255, name="scale")(images)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dense(4, name="hidden")(x)
    x = keras.layers.Dense(points.size, name="output")(x)
    outputs = keras.layers.Reshape(points.shape, name="keypoints")(x)
    model = keras.Model(images, outputs, name=name)
    kernel = np.full((size * size, 4), 1 / size**2)
    output_kernel = np.full((4, points.size), brightness / 4)
    bias = keypoint_schema.to_normalized(points.ravel() + offset)
    model.set_weights([kernel, np.zeros(4), output_kernel, bias])
    return model


def write_run(
    path: pathlib.Path,
    data: data_pipeline.FaceData,
    names=keypoint_schema.NAMES,
    offset=0.0,
    brightness=0.0,
    seed=0,
    description="mean face",
) -> pathlib.Path:
    """Writes a run folder with `mean_net` at the mean of the data's labels."""
    columns = keypoint_schema.indices(names)
    points = np.nanmean(data.keypoints[:, columns], axis=0)
    run = RunFolder(path)
    config = {
        "model": "net1",
        "description": description,
        "keypoints": list(names),
        "seed": seed,
        "data": {"description": data.description, "fingerprint": data.fingerprint},
        "results": {
            "epochs_run": len(VALID_LOSSES),
            "seconds": 0.4,
            "best_epoch": BEST_EPOCH,
            "finished": True,
        },
    }
    run.write_config(config)
    run.save_model(mean_net(points, path.name, offset, brightness))
    rows = [
        f"{epoch},{train},{valid},1,{keypoint_schema.PIXELS_PER_UNIT * valid**0.5},0.1,0.01,0.9"
        for epoch, (train, valid) in enumerate(zip(TRAIN_LOSSES, VALID_LOSSES, strict=True), 1)
    ]
    header = ",".join(callbacks.history_csv.COLUMNS)
    run.history_file.write_text("\n".join([header, *rows]) + "\n")
    return path


def write_specialists(path, data, offset=0.0, seed=0) -> pathlib.Path:
    """Writes a specialists run of six `mean_net`s."""
    for specialist in keypoint_schema.SPECIALISTS:
        write_run(path / specialist.name, data, specialist.keypoints, offset, seed=seed)
    config = {
        "model": places.SPECIALISTS_MODEL,
        "description": "six mean faces",
        "keypoints": list(keypoint_schema.NAMES),
        "seed": seed,
        "data": {"description": data.description, "fingerprint": data.fingerprint},
        "results": {"epochs_run": 24, "seconds": 2.4, "finished": True},
    }
    RunFolder(path).write_config(config)
    return path
