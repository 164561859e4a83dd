"""docs/scaling.md: its snippet writes shards that can be trained on."""

import re

import numpy as np

import data_pipeline
from tests import ROOT, small_data

TEXT = (ROOT / "docs" / "scaling.md").read_text()


def test_arrays_become_shards_piece_by_piece(tmp_path, monkeypatch):
    load_faces = data_pipeline.load_faces
    few = data_pipeline.FaceData(*small_data.faces(), groups=np.arange(small_data.NUM_TRAINING))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data_pipeline.public, "load_faces", lambda: few)
    for snippet in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        exec(snippet, {})
    written = load_faces("shards/mine")
    assert len(written) == 2 * len(few)
    assert len(np.unique(written.groups)) == len(written)
    assert written.labellers == ("me",)
