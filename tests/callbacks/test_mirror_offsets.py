"""When the labels' mirror offset is measured in training, and from which epoch it counts."""

import keras
import numpy as np
import pytest

from callbacks import BestWeights, MirrorOffsets, NesterovSGD, ResumeState
from data_pipeline import mirror_offset_table

NUM_KEYPOINTS = 2


class Training:
    """Runs the callback alone; a measurement is the number of epochs before it, everywhere."""

    def __init__(self, table, epochs):
        self.table = table
        self.measured = []
        self.changed = {}  # after an epoch, the rows
        callback = MirrorOffsets(table, self.measure)
        for self.epoch in epochs:
            before = rows(table)
            callback.on_epoch_end(self.epoch, {})
            changed = np.flatnonzero(rows(table) != before).tolist()
            if changed:
                self.changed[self.epoch] = changed

    def measure(self):
        self.measured.append(self.epoch + 1)
        return np.full((NUM_KEYPOINTS, 2), self.epoch + 1, np.float32)


def rows(table):
    """The value that all of a row share."""
    values = table.numpy()
    assert (values == values[:, :1, :1]).all()
    return values[:, 0, 0]


def trained(epochs):
    return Training(mirror_offset_table(epochs, NUM_KEYPOINTS), range(epochs))


def test_measures_after_5_15_and_45_epochs():
    training = trained(60)
    assert training.measured == [5, 15, 45]
    # When the fifth epoch has ended, batches of the sixth are being made already.
    assert rows(training.table).tolist() == [0] * 6 + [5] * 10 + [15] * 30 + [45] * 14


def test_rows_of_this_epoch_and_the_next_never_change():
    training = trained(60)
    assert sorted(training.changed) == [4, 14, 44]  # counted from 0
    for epoch, changed in training.changed.items():
        assert changed == list(range(epoch + 2, 60))


@pytest.mark.parametrize(
    ("epochs", "measured"), [(4, []), (6, []), (7, [5]), (16, [5]), (17, [5, 15])]
)
def test_nothing_is_measured_that_no_epoch_would_use(epochs, measured):
    assert trained(epochs).measured == measured


def small_model():
    images = keras.Input((3,))
    model = keras.Model(images, keras.layers.Dense(1)(images))
    optimizer = NesterovSGD(0.01, 0.9)
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, "mse")
    return model


def resume_state(path, table=None):
    history = path.with_name("history.csv")
    history.touch()
    others = {} if table is None else {"mirror_offsets": table}
    state = ResumeState(path, BestWeights(), others, history)
    state.set_model(small_model())
    return state


def save(state, epochs):
    state.keep(epochs)
    state.save()


@pytest.mark.parametrize("epochs", [5, 9, 15])  # two of them right after a measurement
def test_a_resumed_training_has_the_table_of_one_that_never_stopped(tmp_path, epochs):
    cut = Training(mirror_offset_table(20, NUM_KEYPOINTS), range(epochs))
    save(resume_state(tmp_path / "resume.npz", cut.table), epochs)
    table = mirror_offset_table(20, NUM_KEYPOINTS)
    assert resume_state(tmp_path / "resume.npz", table).load(small_model()) == epochs
    np.testing.assert_array_equal(rows(table), rows(cut.table))
    resumed = Training(table, range(epochs, 20))
    np.testing.assert_array_equal(rows(resumed.table), rows(trained(20).table))


def test_a_state_with_another_table_or_none_is_refused(tmp_path):
    path = tmp_path / "resume.npz"
    save(resume_state(path, mirror_offset_table(20, NUM_KEYPOINTS)), 3)
    with pytest.raises(ValueError, match=r"mirror_offsets is \(20, 2, 2\), not \(30, 2, 2\)"):
        resume_state(path, mirror_offset_table(30, NUM_KEYPOINTS)).load(small_model())
    save(resume_state(path), 3)
    with pytest.raises(ValueError, match=r"resume\.npz does not fit this training"):
        resume_state(path, mirror_offset_table(20, NUM_KEYPOINTS)).load(small_model())
