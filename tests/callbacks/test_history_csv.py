import types

import numpy as np
import pytest

from callbacks import HistoryCSV, read_history
from callbacks.history_csv import COLUMNS
from errors import UserError

ROWS = (
    ["1", "0.2", "0.3", "0.67", "26.3", "1.5", "0.01", ""],
    ["2", "0.1", "", "", "", "1", "1", "1"],
)
HEADER = list(COLUMNS)


def written(tmp_path, rows, header=HEADER, start=""):
    file = tmp_path / "history.csv"
    lines = [start + ",".join(header), *map(",".join, rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def test_rows_are_read_as_text_by_column(tmp_path):
    rows = read_history(written(tmp_path, ROWS))
    assert [row["train_loss"] for row in rows] == ["0.2", "0.1"]
    assert rows[1]["valid_loss"] == ""


def test_a_byte_order_mark_is_left_out(tmp_path):
    assert read_history(written(tmp_path, ROWS, start="\ufeff"))[0]["epoch"] == "1"


@pytest.mark.parametrize(
    ("column", "cell"),
    [(1, "abc"), (1, "-5"), (2, "12 13"), (5, ""), (5, "inf"), (5, "1e308")],
)
def test_a_cell_that_is_no_number_is_named(tmp_path, column, cell):
    rows = [list(row) for row in ROWS]
    rows[1][column] = cell
    with pytest.raises(UserError, match=f"row 2, column {COLUMNS[column]} cannot be '{cell}'"):
        read_history(written(tmp_path, rows))


@pytest.mark.parametrize("rows", [ROWS[::-1], ROWS[1:], [ROWS[0], ROWS[0]]])
def test_an_epoch_out_of_turn_is_named(tmp_path, rows):
    with pytest.raises(UserError, match="must be that of epoch"):
        read_history(written(tmp_path, rows))


@pytest.mark.parametrize("fields", [7, 9])
def test_a_row_of_another_width_is_named(tmp_path, fields):
    rows = [ROWS[0], [*ROWS[1], "7"][:fields]]
    with pytest.raises(UserError, match="row 2"):
        read_history(written(tmp_path, rows))


@pytest.mark.parametrize("header", [HEADER[:-1], [*HEADER[:-1], "other"], ["epoch;train_loss"]])
def test_other_columns_are_refused(tmp_path, header):
    with pytest.raises(UserError, match="history.csv must have the columns epoch, train_loss"):
        read_history(written(tmp_path, ROWS, header))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 200_000, b'"' + b"a\n" * 100_000])
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(UserError, match="history.csv"):
        read_history(tmp_path / "history.csv")


def test_an_epoch_is_written_with_its_seconds_and_ratio(tmp_path):
    history = HistoryCSV(tmp_path / "history.csv")
    optimizer = types.SimpleNamespace(learning_rate=np.float32(0.5))
    history.set_model(types.SimpleNamespace(optimizer=optimizer))
    history.truncate(0)
    history.on_epoch_begin(0)
    history.on_epoch_end(0, {"loss": 0.3, "mse": 0.2, "val_mse": 0.4, "val_rmse_px": 30.0})
    (row,) = read_history(tmp_path / "history.csv")
    assert float(row.pop("seconds")) < 5
    assert row == {
        "epoch": "1",
        "train_loss": "0.2",
        "valid_loss": "0.4",
        "train_valid_ratio": "0.5",
        "valid_rmse_px": "30.0",
        "learning_rate": "0.5",
        "momentum": "",
    }
