"""The model card: a JSON file in a version with what clients and operators want to know."""

import datetime
import importlib.metadata
import json
import pathlib

import labelling
from evaluation.results import finite
from exporting.picture_rules import MAX_PIXELS, MAX_SIDE
from keypoint_schema import IMAGE_SIZE, MIRRORS
from pictures import framing
from pictures.detection import MIN_CONFIDENCE
from trained_nets.provenance import provenance

FILE = pathlib.PurePath("assets.extra", "model_card.json")


def model_card(net, flip_average, parameters, photo=False):
    """Builds the card.

    Args:
        net: a `TrainedNet`. What its `config` lacks becomes null in the card. A preset's has the
            preset's card as `preset`, whose licence, accuracy, intended use and limits go into this
            one.
        flip_average: whether the graph averages with the mirror image.
        parameters: number of weights.
        photo: whether the graph has `serve_photo`.

    Returns:
        A dict that JSON can hold: null replaces numbers that are not finite, such as the error of
        a net that diverged or of a keypoint without labels.
    """
    config, names = net.config, net.names
    results = config.get("results") or {}
    per_keypoint = results.get("valid_rmse_px_per_keypoint") or {}
    card = {
        "keypoints": [{"name": name, "mirror": MIRRORS[name]} for name in names],
        "coordinates": {
            "order": "x, y",
            "unit": "px",
            "origin": "centre of the top left pixel; x to the right, y down",
            "left_and_right": "the person's own",
            "image_size": [IMAGE_SIZE, IMAGE_SIZE],
            "serve_bytes": "px of each picture as sent; its EXIF orientation is not applied",
        },
        "pictures": {
            "formats": ["PNG", "JPEG", "BMP", "GIF"],
            "max_pixels": MAX_PIXELS,
            "max_side_px": MAX_SIDE,
            "refused": "its keypoints are NaN, and its row of the output `error` says why",
        },
        "flip_average": flip_average,
        "labels_of": net.labels_of,
        "mirror_offset_px": net.mirror_offset_px or {},
        "parameters": parameters,
        "training_data": {
            "fingerprint": _find(config, "data", "fingerprint"),
            "description": _find(config, "data", "description"),
        },
        "validation": {
            "rmse_px": results.get("valid_rmse_px"),
            "rmse_px_per_keypoint": {name: per_keypoint.get(name) for name in names},
            "with_flip_average": False,  # it is the trained net's own error
            # Validation faces seen by a net that this one builds on; they make errors too small.
            "seen_before": _find(config, "data", "seen_before") or 0,
        },
        "training": {
            "git_commit": config.get("git_commit"),
            "versions": config.get("versions"),
        },
        "export": {
            "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            **provenance(),
        },
    }
    if photo:
        _add_detector(card)
    if preset := config.get("preset"):
        _add_preset(card, preset, net, flip_average)
    return finite(card)


def _add_detector(card):
    """Adds what `serve_photo` answers, and where the net that finds faces comes from."""
    card["coordinates"]["serve_photo"] = (
        "px of each photograph as sent; its EXIF orientation is not applied"
    )
    card["photographs"] = {
        "boxes": "left, top, width and height of the square that the net saw, px from the outer "
        "corner of the top left pixel; it may reach over the border",
        "order": "faces from left to right",
        "padding": "rows from `faces` on are zero",
        "refused": "its rows are NaN, `faces` is 0, and its row of the output `error` says why",
        "min_score": MIN_CONFIDENCE,
        "shrunk_to_px": framing.MAX_SIDE,
        "detector": {
            "name": "MTCNN",
            "source": f"weights of package mtcnn {importlib.metadata.version('mtcnn')}, converted "
            "from https://github.com/kpzhang93/MTCNN_face_detection_alignment",
            "licence": "MIT (both)",
            "trained_on": "WIDER FACE and CelebA, according to the paper (K. Zhang et al., 2016); "
            "CelebA's pictures are for non-commercial research",
        },
    }


def _add_preset(card, preset, net, flip_average):
    """Adds a preset's accuracy, as measured with or without the flip average, like the export."""
    # A four-point labeller's own accuracy is not measured.
    accuracy = preset["accuracy"][labelling.full(net.labels_of)]
    # The preset's flip average was measured with the offset, so it is not that of a symmetric one.
    measured_so = flip_average and net.mirror_offset_px is not None
    measured = accuracy["rmse_px"]["flip_average" if measured_so else "plain"]
    rmse = measured["float16"]  # as a preset's weights are stored
    card["validation"] = {
        "rmse_px": rmse["value"],
        "rmse_px_interval": {
            "low": rmse.get("low"),
            "high": rmse.get("high"),
            **{key: accuracy[key] for key in ("confidence", "resampled_by", "groups")},
        },
        "rmse_px_per_keypoint": {name: measured["per_keypoint"].get(name) for name in net.names},
        "with_flip_average": measured_so,
        **{key: accuracy[key] for key in ("measured_on", "faces", "labelled_coordinates")},
    }
    card["training_data"] |= {
        key: " ".join(each[key] for each in preset["trained_on"]) for key in ("source", "licence")
    }
    card["preset"] = {key: preset[key] for key in ("name", "description", "intended_use", "limits")}


def write_model_card(folder, card):
    """Writes the card into a SavedModel folder."""
    path = pathlib.Path(folder) / FILE
    path.parent.mkdir(exist_ok=True)
    write_card_file(path, card)


def write_card_file(path, card):
    """Writes the card as JSON; returns the path."""
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _find(config, section, key):
    return (config.get(section) or {}).get(key)
