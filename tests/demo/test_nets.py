"""The nets on offer, whose labels they predict, and nets that a server holds."""

import types

import numpy as np
import pytest

import demo.nets
from demo.nets import Nets
from demo.served_net import open_served
from errors import UserError
from exporting import open_saved_model
from serving import Target
from tests import serving_stand_in
from tests.export_stand_in import faces, published, stand_in_net
from trained_nets.places import preset_names

PRESETS = [f"preset:{name}" for name in preset_names()]


@pytest.fixture
def loaded(monkeypatch):
    """Stands for the loading of nets; lists what was loaded."""
    calls = []

    def load_net(name, labels_of=None):
        calls.append((name, labels_of))
        labellers = ("first", "second") if name == "runs/two" else ("unnamed",)
        return types.SimpleNamespace(labellers=labellers, labels_of=labels_of)

    monkeypatch.setattr(demo.nets, "load_net", load_net)
    return calls


def test_what_a_person_names_comes_before_the_presets():
    nets = Nets(["runs/a", "runs/a", "runs/b"], [Target("http://localhost:1")])
    assert nets.names == ["runs/a", "runs/b", "http://localhost:1", *PRESETS]
    assert nets.default == "runs/a"
    assert Nets().default == "preset:heatmap_m"
    assert Nets().default in PRESETS


def test_a_net_is_loaded_once_for_each_labeller(loaded):
    nets = Nets(["runs/two"])
    for labels_of in (None, "second", "second"):
        assert nets.open("runs/two", labels_of).labels_of == labels_of
    assert loaded == [("runs/two", None), ("runs/two", "second")]


def test_labellers_are_offered_where_there_is_a_choice(loaded):
    nets = Nets(["runs/two", "runs/one"])
    assert nets.labellers("runs/two") == ("first", "second")
    assert nets.labellers("runs/one") == ()


def test_an_address_of_no_server_is_refused_at_once():
    with pytest.raises(UserError, match=r"--server must be .* Received: 'localhost:8501'"):
        Nets(targets=[Target("localhost:8501")])


def test_a_served_net_answers_like_one_of_this_process(tmp_path_factory, monkeypatch):
    monkeypatch.setattr("demo.served_net.MAX_BATCH", 2)
    images = faces(3)
    with (
        open_saved_model(published(tmp_path_factory)) as saved,
        serving_stand_in.rest_server(saved) as (url, requests),
    ):
        nets = Nets(targets=[Target(url, timeout=60)])
        net = nets.open(url)
        keypoints, none = net.predict(images), net.predict(images[:0])
        assert nets.labellers(url) == ()
    own = stand_in_net()
    assert net.names == own.names
    np.testing.assert_allclose(keypoints, own.predict(images), atol=1e-3)
    assert none.shape == (0, 15, 2)
    assert [len(request["instances"]) for request in requests] == [2, 1]


def test_a_server_that_does_not_answer_is_told():
    with pytest.raises(UserError, match="No TensorFlow Serving answers"):
        open_served(Target("http://127.0.0.1:1"))
