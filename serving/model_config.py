"""Edits models.config as a person would: line by line, so comments stay."""

import re

from errors import UserError

_SPECIFIC = re.compile(r"(?m)^([ \t]*)versions:[ \t]*(\d+)[ \t]*\n")
_LABEL = re.compile(
    r"version_labels[ \t]*:?[ \t]*\{\s*"
    r'key:[ \t]*"(?P<label>[^"]*)"\s*value:[ \t]*(?P<version>\d+)\s*\}'
)


class ModelConfig:
    """The text of a models.config with one model, listed versions and labels.

    Attributes:
        text: the whole file.
    """

    def __init__(self, text):
        self.text = text
        if not self.versions() or len(re.findall(r"(?m)^[ \t]*config[ \t]*\{", text)) != 1:
            raise UserError(
                "The configuration must hold one model, whose versions are listed one a line "
                "(`versions: 1`), as serving/models.config does. Received another form: edit it by "
                "hand (docs/serving.md, Versions)."
            )

    def versions(self):
        """Lists the served versions."""
        return [int(version) for _, version in _SPECIFIC.findall(self.text)]

    def labels(self):
        """Returns `{label: version}`."""
        return {found["label"]: int(found["version"]) for found in _LABEL.finditer(self.text)}

    def with_version(self, version):
        """Returns a configuration that serves a version too."""
        if version in self.versions():
            return self
        *_, last = _SPECIFIC.finditer(self.text)
        line = f"{last[1]}versions: {version}\n"
        return ModelConfig(self.text[: last.end()] + line + self.text[last.end() :])

    def with_label(self, label, version):
        """Returns a configuration whose label, which must exist, names a version."""

        def moved(found):
            if found["label"] != label:
                return found[0]
            return re.sub(r"(value:[ \t]*)\d+", rf"\g<1>{version}", found[0])

        return ModelConfig(_LABEL.sub(moved, self.text))

    def without_unlabelled(self):
        """Returns a configuration that serves only the versions that have a label."""
        labelled = set(self.labels().values())
        return ModelConfig(
            _SPECIFIC.sub(
                lambda found: found[0] if int(found[2]) in labelled else "",
                self.text,
            )
        )
