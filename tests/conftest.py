import os

from tests import SHARED

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest

import train
from tests import small_data
from tests.running import run_script

SHARED_FACES = SHARED / "data/faces"


@pytest.fixture(scope="session", autouse=True)
def _own_cache_folder(tmp_path_factory):
    """Keeps the tests away from the person's cache."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(autouse=True)
def _default_policy():
    """A training in the test's own process sets bfloat16 where the hardware has it."""
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def real_faces():
    """The folder with real faces in Kaggle's layout."""
    if not SHARED_FACES.is_dir():
        pytest.skip("there are no real faces in ../shared/data/faces")
    return SHARED_FACES


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory):
    """A folder like Kaggle's download with 60 training and 8 test faces; not to be changed."""
    folder = tmp_path_factory.mktemp("small")
    small_data.write_download(folder)
    return folder


@pytest.fixture
def start_train(small_folder, tmp_path):
    """Runs train.py in this process, on the small folder, into `tmp_path`; returns its status."""

    def run(*options):
        places = ("--data", small_folder, "--runs", tmp_path)
        return run_script(train, "--precision", "float32", *options, *places)

    return run
