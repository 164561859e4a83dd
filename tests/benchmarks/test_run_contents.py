"""benchmarks/run_contents.py: runs that did not end alike are told apart."""

import shutil

import numpy as np

import data_pipeline
from benchmarks.run_contents import differing
from tests import run_fixtures
from trained_nets.run_folder import RunFolder


def test_a_bit_of_a_weight_or_a_loss_makes_a_difference_and_a_log_none(small_folder, tmp_path):
    run = run_fixtures.write_run(tmp_path / "net", data_pipeline.load_faces(small_folder))
    other = shutil.copytree(run, tmp_path / "other")
    (other / "log.txt").touch()
    assert differing(run, other) == []
    np.savez(other / "resume.npz", epochs=3)
    history = (other / "history.csv").read_text()
    (other / "history.csv").write_text(history.replace("0.0085", "0.0086"))
    model = RunFolder(other).load_model()
    *weights, bias = model.get_weights()
    model.set_weights([*weights, np.nextafter(bias, np.inf)])
    RunFolder(other).save_model(model)
    assert sorted(differing(run, other)) == ["history.csv", "model.keras", "resume.npz"]
