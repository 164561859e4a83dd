"""benchmarks/training_throughput.py compares like with like."""

import re
import sys

import keras
import pytest

import data_pipeline
import models
from benchmarks import training_throughput


def test_both_ways_have_a_speed(small_folder, monkeypatch, capsys):
    options = ["--net", "net1", "--epochs", "1", "--rounds", "1", "--precision", "float32"]
    monkeypatch.setattr(sys, "argv", ["x", "--data", str(small_folder), *options])
    training_throughput.main()
    shown = capsys.readouterr().out
    assert "net1, batch 128, 32 faces, median of 1 round\n" in shown
    speeds = re.findall(r" ([\d,]+) images/s", shown)
    assert len(speeds) == 2
    assert all(int(speed.replace(",", "")) > 0 for speed in speeds)


@pytest.mark.parametrize("option", ["--epochs", "--rounds"])
def test_less_than_one_epoch_or_round_is_refused(monkeypatch, capsys, option):
    monkeypatch.setattr(sys, "argv", ["x", option, "0"])
    with pytest.raises(SystemExit) as stopped:
        training_throughput.main()
    assert stopped.value.code == 2
    assert f"{option} must be at least 1. Received: 0." in capsys.readouterr().err


def test_the_bare_fit_trains_as_the_recipe_says(small_folder, monkeypatch):
    fits = []

    def fit(model, images, keypoints, batch_size, epochs, verbose, callbacks):
        fits.append((type(model), type(model.optimizer), type(model.loss), batch_size))
        for epoch in range(epochs):
            callbacks[0].on_epoch_begin(epoch)

    data = data_pipeline.load_faces(small_folder)
    monkeypatch.setattr(keras.Model, "fit", fit)
    assert training_throughput.bare_fit("heatmap_s", data.select(data.names))(1) > 0
    expected = (models.TrainingModel, keras.optimizers.AdamW, models.MaskedHuber, 32)
    assert fits == [expected]
