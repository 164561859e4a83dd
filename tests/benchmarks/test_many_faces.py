import numpy as np

import data_pipeline
from benchmarks import many_faces
from tests import small_data


def test_it_trains_from_shards_and_from_memory(tmp_path, monkeypatch):
    faces = data_pipeline.FaceData(*small_data.faces(), groups=np.arange(small_data.NUM_TRAINING))
    monkeypatch.setattr(data_pipeline.public, "load_faces", lambda: faces)
    many_faces.write_faces(tmp_path / "shards", 100)
    monkeypatch.undo()
    written = data_pipeline.load_faces(tmp_path / "shards")
    assert len(written) == len(np.unique(written.groups)) == 100
    first, again = np.asarray(written.images[[0, 60]]).astype(int)
    assert not np.array_equal(first, again)
    for from_memory in (False, True):
        seconds, peak = many_faces.train("net1", tmp_path / "shards", from_memory)
        assert 0 < seconds < 60
        assert 100 < peak < 10_000
