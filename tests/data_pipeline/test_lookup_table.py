import pytest

from data_pipeline import load_lookup
from errors import UserError

HEADER = "RowId,ImageId,FeatureName,Location\n"


def test_the_table_is_read_with_whole_numbers(tmp_path):
    (tmp_path / "IdLookupTable.csv").write_text(HEADER + "1,7,nose_tip_x,\n2,7,nose_tip_y,\n")
    table = load_lookup(tmp_path, [7])
    assert table["RowId"].tolist() == [1, 2]
    assert table["ImageId"].tolist() == [7, 7]
    assert table["FeatureName"].tolist() == ["nose_tip_x", "nose_tip_y"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("x,7,nose_tip_x,\n", r"row 1 \(line 2\), column RowId: .*'x'"),
        ("1,7,nose_tip_x,\n1,7,nose_tip_y,\n", r"row 2 \(line 3\), column RowId: 1 has occurred"),
        ("1,7.5,nose_tip_x,\n", r"row 1 \(line 2\), column ImageId: a whole number"),
        ("1,,nose_tip_x,\n", r"row 1 \(line 2\), column ImageId: a whole number"),
    ],
)
def test_a_wrong_number_is_named_by_its_place(tmp_path, rows, message):
    (tmp_path / "IdLookupTable.csv").write_text(HEADER + rows)
    with pytest.raises(UserError, match=message):
        load_lookup(tmp_path, [7])
