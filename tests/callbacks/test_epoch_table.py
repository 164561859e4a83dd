import csv
import io

import keras
import numpy as np
import rich.console

from callbacks import BestWeights, EpochTable, HistoryCSV, NesterovSGD
from models import LabelledMeanSquaredError, RootMeanSquaredErrorPixels


def trained(tmp_path, console, epochs=3):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(4), keras.layers.Reshape((2, 2))], name="tiny"
    )
    model.compile(
        NesterovSGD(0.1, 0.8),
        "mae",
        metrics=[LabelledMeanSquaredError(), RootMeanSquaredErrorPixels()],
        jit_compile=False,
    )
    best, history = BestWeights(), HistoryCSV(tmp_path / "history.csv")
    history.truncate(0)
    table = EpochTable(history, best, epochs, console)
    x, y = np.ones((8, 4), np.float32), np.zeros((8, 2, 2), np.float32)
    logs = model.fit(
        x,
        y,
        validation_data=(x, y),
        epochs=epochs,
        verbose=0,
        callbacks=[best, history, table],
    ).history
    with open(tmp_path / "history.csv", newline="") as file:
        return logs, list(csv.DictReader(file))


def test_history_holds_what_training_reported(tmp_path):
    logs, rows = trained(tmp_path, rich.console.Console(quiet=True))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    for i, row in enumerate(rows):
        assert float(row["train_loss"]) == logs["mse"][i]
        assert float(row["valid_loss"]) == logs["val_mse"][i]
        assert float(row["train_valid_ratio"]) == logs["mse"][i] / logs["val_mse"][i]
        assert float(row["valid_rmse_px"]) == logs["val_rmse_px"][i]
        assert float(row["learning_rate"]) == np.float32(0.1)
        assert float(row["momentum"]) == np.float32(0.8)


def test_table_has_a_row_an_epoch_and_no_bar_in_a_file(tmp_path):
    output = io.StringIO()
    _, rows = trained(tmp_path, rich.console.Console(file=output, soft_wrap=True))
    lines = output.getvalue().rstrip().splitlines()  # older versions of Rich end with a blank one
    assert len(lines) == 4
    assert lines[0].split()[0] == "epoch"
    for line, row in zip(lines[1:], rows, strict=True):
        assert f"{float(row['valid_rmse_px']):.3f}" in line
    assert lines[1].endswith("*")
    assert "ETA" not in output.getvalue()


def test_terminal_shows_a_bar_with_eta(tmp_path):
    output = io.StringIO()
    trained(tmp_path, rich.console.Console(file=output, force_terminal=True, width=120))
    assert "ETA" in output.getvalue()
    assert "of 3" in output.getvalue()
