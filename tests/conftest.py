import gc
import os

import hypothesis
import pytest

import train
from tests import SHARED
from tests.running import run_script

# Nothing here may import TensorFlow at once: the process that hands tests to workers needs none.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# The same few examples every time: a failure repeats, and CI stays fast.
hypothesis.settings.register_profile(
    "tests", derandomize=True, deadline=None, max_examples=25, database=None
)
hypothesis.settings.load_profile("tests")

SHARED_FACES = SHARED / "data/faces"


def pytest_xdist_auto_num_workers(config):
    """Two workers; none for a single file, which starts sooner without."""
    is_file = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if is_file else 2


def pytest_collection_modifyitems(items):
    """Files that take minutes come first, or a worker would be left alone with one at the end."""
    slow = ("test_ray_machines.py", "test_cluster.py", "test_devices.py", "test_search.py")
    items.sort(key=lambda item: item.path.name not in slow)


def pytest_collection_finish():
    """What is imported by now stays; garbage collection takes 2 ms without it, not 200."""
    gc.freeze()


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
    import keras

    keras.config.set_dtype_policy("float32")


@pytest.fixture(autouse=True)
def _free_nets():
    """Frees their weights, before others take more memory.

    When a training step is traced, the optimizer registers a gradient, and TensorFlow never forgets
    one, nor the graph that it belongs to, nor the graph's variables.
    """
    yield
    import keras
    from tensorflow.python.framework import ops

    keras.utils.clear_session()
    gradients = ops.gradient_registry._registry
    for name in [name for name in gradients if name.startswith("CustomGradient-")]:
        del gradients[name]
    gc.collect()


@pytest.fixture(scope="session")
def real_faces():
    """The folder with real faces in Kaggle's layout."""
    if not SHARED_FACES.is_dir():
        pytest.skip("there are no real faces in ../shared/data/faces")
    return SHARED_FACES


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory):
    """A folder like Kaggle's download with 60 training and 8 test faces; not to be changed."""
    from tests import small_data

    folder = tmp_path_factory.mktemp("small")
    small_data.write_download(folder)
    return folder


@pytest.fixture
def narrow_zoo(monkeypatch):
    """Nets of a few channels under the zoo's names, for tests in which the size does not matter."""
    from tests import narrow_nets

    narrow_nets.put_into_zoo(monkeypatch)


@pytest.fixture
def start_train(small_folder, tmp_path):
    """Runs train.py in this process, on the small folder, into `tmp_path`; returns its status."""

    def run(*options):
        places = ("--data", small_folder, "--runs", tmp_path)
        return run_script(train, "--precision", "float32", *options, *places)

    return run
