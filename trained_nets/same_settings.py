"""Checks that a run is resumed with the settings that it was started with."""

import pathlib

import data_pipeline
from data_pipeline import FaceData
from errors import UserError

_FREE = ("results", "versions", "backend", "devices", "processes", "git_commit")
# Of the same faces: moved, or packed in another way. `earlier` follows from the nets built on.
_FREE_FOR_SAME_FACES = ("fingerprint", "path", "description", "earlier")
_ORIGINS = ("init_from", "distill_from")


def require_same_settings(path: pathlib.Path, earlier: dict, config: dict, data: FaceData):
    """Compares the configuration of a run with that of the command which resumes it.

    Data and nets are compared by their content, and may have been moved. Runs of earlier versions
    recorded only the path of a net, and the hash of the data's file.

    Args:
        path: the run folder.
        earlier: its configuration.
        config: what this command would write.
        data: the faces of this command.

    Raises:
        UserError: if they differ; the message names the first difference.
    """
    earlier = _with_free_entries(earlier, config, data)
    for setting, wanted in config.items():
        was, is_now, hint = earlier.get(setting), wanted, ""
        if was == is_now:
            continue
        if isinstance(was, dict) and isinstance(is_now, dict):
            # Either version may have keys that the other lacks.
            both = dict.fromkeys(["fingerprint", *was, *is_now])
            # An entry may be null in one and absent in the other.
            differing = next(key for key in both if was.get(key, "") != is_now.get(key, ""))
            setting = f"{setting}.{differing}"
            was, is_now = was.get(differing), is_now.get(differing)
        if setting == "data.fingerprint":
            hint = data_pipeline.explain_mismatch(str(was))
        elif setting.endswith("_weights"):
            hint = " Nets are compared by the SHA-256 of their weights."
        raise UserError(
            f"--resume needs the same settings: {path} has {setting} {was}, this command has "
            f"{is_now}. Repeat the first command with --resume, or choose another --name.{hint}"
        )


def _with_free_descriptions(was, now):
    """Returns what was recorded about the same faces, described as they are now."""
    same = {name: now[name] for name in _FREE_FOR_SAME_FACES if name in now}
    if len(was.get("sources", ())) == len(now.get("sources", ())) > 0:
        same["sources"] = [
            each | {"description": source["description"]}
            for each, source in zip(was["sources"], now["sources"], strict=True)
        ]
    return was | same


def _with_free_entries(earlier, config, data):
    """Returns the earlier configuration with this command's entries where these may differ."""
    same = {name: config[name] for name in _FREE if name in config}
    if data.is_known_as(earlier["data"]["fingerprint"]):
        same["data"] = _with_free_descriptions(earlier["data"], config["data"])
    if len(config.get("labellers", ())) == len(earlier.get("labellers", "?")) == 1:
        same["labellers"] = config["labellers"]  # called after the folder, which may be renamed
    if (earlier.get("recipe") or {}).get("source_aware") is False:  # its former name
        kept = {name: each for name, each in earlier["recipe"].items() if name != "source_aware"}
        same["recipe"] = kept | {"four_point_labeller": False}
    for origin in _ORIGINS:
        weights = f"{origin}_weights"
        if weights not in earlier:
            same[weights] = config.get(weights)
        else:
            same[origin] = config.get(origin)
    return earlier | same
