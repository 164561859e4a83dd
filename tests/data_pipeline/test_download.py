import sys
import types

import pytest

from data_pipeline.download import download
from errors import UserError


@pytest.fixture
def hub(monkeypatch):
    module = types.ModuleType("kagglehub")
    monkeypatch.setitem(sys.modules, "kagglehub", module)
    return module


def test_files_are_fetched_and_copied(hub, tmp_path):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub/training.zip").write_text("faces")
    asked = []
    hub.competition_download = lambda name: asked.append(name) or str(tmp_path / "hub")
    assert download() == tmp_path / "hub"
    download(tmp_path / "data")
    assert (tmp_path / "data/training.zip").read_text() == "faces"
    assert asked == ["facial-keypoints-detection"] * 2


def test_without_credentials_it_says_what_to_do_by_hand(hub):
    def refuse(name):
        raise PermissionError("403 Client Error\nmore")

    hub.competition_download = refuse
    with pytest.raises(UserError, match=r"\(403 Client Error\).*By hand: .*--data"):
        download()


def test_without_kagglehub_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(UserError, match=r"\.\[download\]"):
        download()
