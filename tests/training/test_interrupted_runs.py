"""What a kill, or Ctrl-C, at a bad moment leaves of a run."""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal

import keras
import numpy as np
import pytest

import atomic_write
import callbacks
import data_pipeline
import evaluate
import keypoint_schema
import models
from benchmarks.run_contents import differing
from callbacks import EpochTable, ResumeState, read_history
from errors import LostProcessError
from tests.killing import Killed, killed_in_epoch
from tests.running import run_script
from trained_nets import run_lock
from trained_nets.loading import load_net
from trained_nets.run_folder import RunFolder

NET1 = ("--model", "net1", "--epochs", 2)
FLIPPED = ("--set", "augmentation=flip", "--set", "mirror_offset=true")


def results_of(folder):
    return json.loads((folder / "config.json").read_text()).get("results")


def kill_while_replacing(run):
    """Leaves what a kill does early in a training with --overwrite."""
    good = run.with_name(f".old-{run.name}")
    run.rename(good)
    config = json.loads((good / "config.json").read_text())
    del config["results"]
    run.mkdir()
    (run / "config.json").write_text(json.dumps(config))


def test_the_run_to_replace_outlives_a_kill_of_its_replacement(start_train, tmp_path):
    assert start_train(*NET1) == 0
    assert start_train(*NET1, "--name", "donor") == 0
    before = (tmp_path / "net1/model.keras").read_bytes()
    kill_while_replacing(tmp_path / "net1")
    failing = ("--model", "net2", "--epochs", 1, "--init-from", tmp_path / "donor")
    assert start_train(*failing, "--name", "net1", "--overwrite") == 2
    assert (tmp_path / "net1/model.keras").read_bytes() == before
    kill_while_replacing(tmp_path / "net1")
    assert start_train(*NET1, "--overwrite", "--seed", 5) == 0
    assert (tmp_path / "net1/model.keras").read_bytes() != before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["donor", "net1"]


def test_what_was_replaced_goes_when_its_killed_successor_is_finished(start_train, tmp_path):
    assert start_train(*NET1) == 0
    kill_while_replacing(tmp_path / "net1")
    assert start_train(*NET1, "--resume") == 0
    assert [path.name for path in tmp_path.iterdir()] == ["net1"]


def test_a_lost_process_leaves_what_a_kill_would(tmp_path):
    run = RunFolder(tmp_path / "net1")
    run.path.mkdir()

    def train_in_its_place():
        with run.replaced():
            run.path.mkdir()
            raise LostProcessError("Another process has ended.")

    with pytest.raises(LostProcessError):
        train_in_its_place()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".old-net1", "net1"]


def test_a_training_that_patience_had_ended_stays_ended(start_train, tmp_path, monkeypatch):
    def impatient(start, name, *options):
        recipe = dataclasses.replace(models.find("net1").recipe, patience=1, learning_rate=0.5)
        monkeypatch.setattr(models, "find_recipe", lambda *names: recipe)
        return start("--model", "net1", "--epochs", 30, "--name", name, *options)

    assert impatient(start_train, "whole") == 0
    assert len(read_history(tmp_path / "whole/history.csv")) < 30

    def killed(self, model):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_model", killed)
        patch.setattr(callbacks.resume, "SECONDS_BETWEEN_SAVES", 0.0)
        with pytest.raises(Killed):
            impatient(start_train, "cut")
    assert impatient(start_train, "cut", "--resume") == 0
    assert not differing(tmp_path / "cut", tmp_path / "whole")


def test_results_stay_while_an_interrupted_run_goes_on(start_train, tmp_path, monkeypatch):
    def interrupt(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ResumeState, "on_epoch_end", interrupt)
        assert start_train("--model", "net1", "--epochs", 4) == 130
    first = results_of(tmp_path / "net1")
    assert first["finished"] is False
    with killed_in_epoch(1, monkeypatch):
        start_train("--model", "net1", "--epochs", 4, "--resume")
    assert results_of(tmp_path / "net1") == first


def test_ctrl_c_amid_an_epoch_loses_none_that_was_completed(
    start_train, tmp_path, monkeypatch, capsys
):
    net1 = ("--model", "net1", "--epochs", 5)
    assert start_train(*net1, "--name", "whole") == 0
    steps = []

    def interrupt(self, batch, logs=None):
        steps.append(batch)
        if len(steps) == 4:  # one step an epoch: the weights are no longer those after three
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ResumeState, "on_train_batch_end", interrupt)
        assert start_train(*net1) == 130
    assert len(read_history(tmp_path / "net1/history.csv")) == 3
    capsys.readouterr()
    assert start_train(*net1, "--resume") == 0
    assert "Continuing after epoch 3." in capsys.readouterr().out
    assert not differing(tmp_path / "net1", tmp_path / "whole")


def interrupt_in_epoch(number, patch):
    """Presses Ctrl-C when the state after that epoch, counted from 1, has been kept."""
    keep = ResumeState.keep

    def kept(self, epochs):
        keep(self, epochs)
        if epochs == number:
            raise KeyboardInterrupt

    patch.setattr(ResumeState, "keep", kept)


def test_ctrl_c_predicts_no_face_and_tells_the_best_error(
    start_train, tmp_path, monkeypatch, capsys
):
    def predict(model, images, mirrored=False):
        raise AssertionError("Thousands of faces take longer than anyone waits.")

    with monkeypatch.context() as patch:
        interrupt_in_epoch(3, patch)
        patch.setattr(models, "predict_normalized", predict)
        assert start_train("--model", "net1", "--epochs", 9) == 130
    results = results_of(tmp_path / "net1")
    rows = read_history(tmp_path / "net1/history.csv")
    best = min(rows, key=lambda row: float(row["valid_loss"]))
    assert results["best_epoch"] == int(best["epoch"])
    assert results["valid_rmse_px"] == float(best["valid_rmse_px"])
    output = capsys.readouterr().out
    assert f"validation faces: {results['valid_rmse_px']:.3f} px after 3 epochs" in output
    assert "--resume to go on" in output


def test_ctrl_c_after_the_last_epoch_keeps_everything(start_train, tmp_path, monkeypatch, capsys):
    net1 = ("--model", "net1", "--epochs", 3)
    assert start_train(*net1, "--name", "whole") == 0

    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(models, "predict_normalized", interrupt)
        assert start_train(*net1) == 130
    assert results_of(tmp_path / "net1")["finished"] is False
    capsys.readouterr()
    assert start_train(*net1, "--resume") == 0
    assert "Continuing after epoch 3." in capsys.readouterr().out
    untimed = {"seconds": None}
    assert results_of(tmp_path / "net1") | untimed == results_of(tmp_path / "whole") | untimed


def test_an_interrupt_waits_until_the_state_is_written(start_train, tmp_path, monkeypatch):
    """For zipfile would raise a ValueError in its place."""
    savez, written = np.savez, []

    def interrupted(path, **state):
        if not written:
            os.kill(os.getpid(), signal.SIGTERM)
        savez(path, **state)
        written.append(state)

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.resume, "SECONDS_BETWEEN_SAVES", 0.0)
        patch.setattr(np, "savez", interrupted)
        assert start_train("--model", "net1", "--epochs", 4) == 130
    assert len(written) == 2  # that of the first epoch, and what every interrupt leaves
    assert results_of(tmp_path / "net1")["epochs_run"] == 1


def test_an_error_that_an_interrupt_became_counts_as_one(start_train, tmp_path, monkeypatch):
    def lose_an_attribute(self, epoch, logs=None):
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        raise AttributeError("as TensorFlow says")

    with monkeypatch.context() as patch:
        patch.setattr(ResumeState, "on_epoch_end", lose_an_attribute)
        assert start_train("--model", "net1", "--epochs", 4) == 130
    assert results_of(tmp_path / "net1")["finished"] is False


def test_interrupts_while_the_best_weights_are_restored_mix_no_weights(
    start_train, tmp_path, monkeypatch
):
    """The first comes amid an epoch, when the net no longer has the best ones."""
    best, restore = [], callbacks.BestWeights.restore

    def interrupt(self, batch, logs=None):
        if len(read_history(tmp_path / "net1/history.csv")) == 2:
            raise KeyboardInterrupt

    def interrupted(self):
        best.append(self.best_weights)
        if len(best) == 1:
            os.kill(os.getpid(), signal.SIGTERM)
        restore(self)

    with monkeypatch.context() as patch:
        patch.setattr(ResumeState, "on_train_batch_end", interrupt)
        patch.setattr(callbacks.BestWeights, "restore", interrupted)
        assert start_train("--model", "net1", "--epochs", 5) == 130
    saved = RunFolder(tmp_path / "net1").load_model().get_weights()
    for one, other in zip(saved, best[0], strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_interrupt_after_the_results_keeps_them(start_train, tmp_path, monkeypatch, capsys):
    save_model = RunFolder.save_model

    def interrupted(self, model):
        os.kill(os.getpid(), signal.SIGTERM)
        save_model(self, model)

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_model", interrupted)
        assert start_train("--model", "net1", "--epochs", 2) == 130
    assert results_of(tmp_path / "net1")["finished"] is True
    assert not (tmp_path / "net1/resume.npz").exists()
    assert start_train("--model", "net1", "--epochs", 2, "--resume") == 0
    assert "is finished already" in capsys.readouterr().out


@pytest.mark.parametrize("flips_respect_the_offset", [False, True])
def test_an_interrupted_net_averages_flips_only_if_it_knows_the_offset(
    flips_respect_the_offset, start_train, tmp_path, small_folder, monkeypatch, capsys
):
    """An average without the offset would silently be another one than the finished net's."""
    options = FLIPPED if flips_respect_the_offset else ()
    with monkeypatch.context() as patch:
        interrupt_in_epoch(8, patch)
        assert start_train("--model", "net1", "--epochs", 9, *options) == 130
    judge = (tmp_path / "net1", "--data", small_folder)
    assert run_script(evaluate, *judge, "--symmetric-flip-average") == 0
    capsys.readouterr()
    if flips_respect_the_offset:
        assert np.any(load_net(tmp_path / "net1").mirror().offset)
        assert run_script(evaluate, *judge, "--flip-average") == 0
    else:
        assert run_script(evaluate, *judge, "--flip-average") == 2
        assert "before the mirror offset of its labels was measured" in capsys.readouterr().err


def test_ctrl_c_before_the_first_batch_of_a_resume_is_no_traceback(
    start_train, tmp_path, monkeypatch
):
    with killed_in_epoch(0, monkeypatch) as patch:
        patch.setattr(EpochTable, "on_epoch_end", lambda self, epoch, logs=None: None)
        patch.setattr(ResumeState, "on_epoch_end", saved_then_killed)
        start_train("--model", "net1", "--epochs", 3)

    def interrupt(self, *arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "fit", interrupt)
    assert start_train("--model", "net1", "--epochs", 3, "--resume") == 130
    assert results_of(tmp_path / "net1")["finished"] is False


def saved_then_killed(self, epoch, logs=None):
    self.keep(epoch + 1)
    self.save()
    raise Killed


def test_a_run_is_not_overwritten_with_what_needs_it(start_train, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert start_train(*NET1) == 0
    for option in ("--init-from", "--distill-from"):
        for path in (tmp_path / "net1", "~/net1"):
            assert start_train(*NET1, "--overwrite", option, path) == 2
            assert f"which {option} needs" in capsys.readouterr().err


def test_finished_specialists_stay_when_a_later_one_is_stopped(
    start_train, tmp_path, monkeypatch, capsys
):
    options = ("--model", "specialists", "--architecture", "net1", "--epochs", 1)
    fit, begun = keras.Model.fit, []

    def stop_the_third(self, *arguments, **changes):
        begun.append(self.name)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return fit(self, *arguments, **changes)

    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "fit", stop_the_third)
        assert start_train(*options) == 130
    output = capsys.readouterr().out
    assert "--resume to go on" in output
    assert "RMSE on the validation faces" not in output  # of 3 of 15 keypoints
    results = results_of(tmp_path / "specialists")
    assert results["finished"] is False
    assert "valid_rmse_px" not in results
    assert start_train(*options, "--resume") == 0
    assert capsys.readouterr().out.count("is finished already") == 2
    assert load_net(tmp_path / "specialists").names == keypoint_schema.NAMES


def test_specialists_are_not_replaced_by_some_of_six(start_train, tmp_path, capsys):
    specialists = ("--model", "specialists", "--architecture", "net1")
    assert start_train(*specialists, "--epochs", 1) == 0
    run = tmp_path / "specialists"
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    wild = ("--epochs", 2, "--set", "nose_tip.learning_rate=1e20")  # the second of six
    assert start_train(*specialists, *wild, "--overwrite") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "nose_tip diverged in epoch 2 of 2" in line
    assert "--set nose_tip.learning_rate=3e+19" in line
    assert line.endswith(f"The earlier run is back in {run}.")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["specialists"]


def test_the_history_is_on_the_disk_before_the_state(start_train, monkeypatch):
    done, flush, replace = [], atomic_write.flush, os.replace

    def spy_on_flush(path):
        done.append(f"flush {pathlib.Path(path).name}")
        flush(path)

    def spy_on_replace(old, new):
        done.append(f"rename {pathlib.Path(new).name}")
        replace(old, new)

    monkeypatch.setattr(atomic_write, "flush", spy_on_flush)
    monkeypatch.setattr(os, "replace", spy_on_replace)
    monkeypatch.setattr(callbacks.resume, "SECONDS_BETWEEN_SAVES", 0.0)
    assert start_train("--model", "net1", "--epochs", 1) == 0
    saved = done.index("rename resume.npz")
    assert "flush history.csv" in done[:saved]
    # The weights and the results are there before the state is given up.
    assert done.index("rename model.keras") < done.index("rename config.json", saved)


def test_a_run_in_training_is_left_alone_by_a_second_training(start_train, tmp_path, capsys):
    assert start_train(*NET1) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "net1").iterdir()}
    with run_lock.held(RunFolder(tmp_path / "net1")):
        for option in ("--resume", "--overwrite"):
            capsys.readouterr()
            assert start_train(*NET1, option) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert "Another process is training into" in line
        assert len(load_net(tmp_path / "net1").predict(np.zeros((1, 96, 96, 1), np.uint8))) == 1
    assert {path.name: path.read_bytes() for path in (tmp_path / "net1").iterdir()} == before


def test_a_run_that_another_process_made_meanwhile_is_not_overwritten(
    start_train, tmp_path, monkeypatch, capsys
):
    assert start_train(*NET1, "--name", "other") == 0
    split = data_pipeline.split

    def slow_split(*arguments):
        (tmp_path / "other").rename(tmp_path / "net1")
        return split(*arguments)

    monkeypatch.setattr(data_pipeline, "split", slow_split)
    assert start_train(*NET1) == 2
    assert "net1 exists. --resume continues it" in capsys.readouterr().err


def test_a_folder_killed_before_its_first_file_starts_anew(start_train, tmp_path):
    (tmp_path / "net1").mkdir()
    (tmp_path / "net1" / f".tmp-{2**22 + 1}-config.json").write_text("{")
    assert start_train(*NET1) == 0
    assert not list(tmp_path.rglob(".tmp-*"))


def test_what_a_kill_left_half_written_goes_when_the_run_goes_on(start_train, tmp_path):
    ensemble = (*NET1, "--folds", 2)
    assert start_train(*ensemble) == 0
    for folder in ("net1", "net1/fold1"):
        (tmp_path / folder / f".tmp-{2**22 + 1}-model.keras").write_bytes(b"PK")
    assert start_train(*ensemble, "--resume") == 0
    assert not list(tmp_path.rglob(".tmp-*"))


def test_the_state_goes_even_if_the_kill_came_after_the_results(start_train, tmp_path):
    assert start_train(*NET1) == 0
    (tmp_path / "net1/resume.npz").write_bytes(b"state")
    assert start_train(*NET1, "--resume") == 0
    assert not (tmp_path / "net1/resume.npz").exists()


def test_a_run_set_aside_by_a_killed_overwrite_is_not_lost(start_train, tmp_path, capsys):
    assert start_train(*NET1) == 0
    before = (tmp_path / "net1/model.keras").read_bytes()
    (tmp_path / "net1").rename(tmp_path / ".old-net1")  # killed before it made the new folder
    assert start_train(*NET1) == 2
    assert "net1 exists. --resume continues it" in capsys.readouterr().err
    assert (tmp_path / "net1/model.keras").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["net1"]


def test_a_table_of_mirror_offsets_is_kept_only_where_flips_use_it(
    start_train, tmp_path, monkeypatch
):
    """It has a row for each epoch, however many a person asks for."""
    monkeypatch.setattr(ResumeState, "on_epoch_end", saved_then_killed)
    for name, options in (("net1", ()), ("flipped", FLIPPED)):
        with pytest.raises(Killed):
            start_train(*NET1, "--name", name, *options)
        with np.load(tmp_path / name / "resume.npz") as state:
            assert ("mirror_offsets" in state) == (name == "flipped")
