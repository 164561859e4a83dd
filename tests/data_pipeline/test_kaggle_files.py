import gzip
import io
import struct
import zipfile

import pytest

from data_pipeline import kaggle_files
from data_pipeline.kaggle_files import find_table
from errors import UserError

CONTENT = b"a,b\n1,2\n"


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


FORMS = {
    "training.csv": CONTENT,
    "training.csv.gz": gzip.compress(CONTENT),
    "training.zip": zipped(training__csv=CONTENT),
    "facial-keypoints-detection.zip": zipped(training__zip=zipped(training__csv=CONTENT)),
}


@pytest.mark.parametrize("name", FORMS)
def test_table_is_found_in_each_form(tmp_path, name):
    (tmp_path / name).write_bytes(FORMS[name])
    assert find_table(tmp_path, "training").read() == CONTENT


def test_the_competitions_zip_may_have_another_name(tmp_path):
    file = tmp_path / "download (1).zip"
    file.write_bytes(zipped(training__csv=CONTENT, test__csv=b"x"))
    assert find_table(file, "training").read() == CONTENT
    assert find_table(file, "test").read() == b"x"


def test_a_file_leads_to_its_neighbours(tmp_path):
    (tmp_path / "training.csv").write_bytes(CONTENT)
    (tmp_path / "test.csv").write_bytes(b"x")
    assert find_table(tmp_path / "training.csv", "test").read() == b"x"


def test_another_file_is_not_replaced_by_its_neighbours(tmp_path):
    (tmp_path / "training.csv").write_bytes(CONTENT)
    (tmp_path / "training_cleaned.csv").write_bytes(CONTENT)
    with pytest.raises(UserError, match="training_cleaned.csv is not one of Kaggle's files"):
        find_table(tmp_path / "training_cleaned.csv", "training")


@pytest.mark.parametrize("path", ["~nobody-of-this-name/faces", "x" * 5000])
def test_impossible_paths_are_mistakes(path):
    with pytest.raises(UserError):
        find_table(path, "training")


def test_fingerprint_follows_the_content(tmp_path):
    file = tmp_path / "training.csv"
    file.write_bytes(CONTENT)
    before = find_table(tmp_path, "training").fingerprint()
    file.write_bytes(CONTENT + b"3,4\n")
    assert find_table(tmp_path, "training").fingerprint() != before


def test_absent_path_and_absent_table_are_told_apart(tmp_path):
    with pytest.raises(UserError, match="There is no .*nowhere"):
        find_table(tmp_path / "nowhere", "training")
    with pytest.raises(UserError, match="looked for training.csv"):
        find_table(tmp_path, "training")


@pytest.mark.parametrize("name", ["training.csv.gz", "training.zip"])
def test_damaged_archive_is_named(tmp_path, name):
    (tmp_path / name).write_bytes(FORMS[name][:20])
    with pytest.raises(UserError, match=name):
        find_table(tmp_path, "training").read()


def test_an_archive_with_a_damaged_table_of_contents_is_named(tmp_path):
    # Python seeks to a negative place in a zip whose middle is missing.
    packed = zipped(training__csv=b"7" * 1000)
    (tmp_path / "training.zip").write_bytes(packed[:50] + packed[900:])
    with pytest.raises(UserError, match="training.zip.* cannot be read"):
        find_table(tmp_path, "training").read()


def claiming(archive, size):
    """A zip archive whose directory claims another unpacked size for its one member."""
    directory = archive.index(b"PK\1\2")
    return archive[: directory + 24] + struct.pack("<I", size) + archive[directory + 28 :]


@pytest.mark.parametrize("name", [name for name in FORMS if name != "training.csv"])
def test_an_archive_that_delivers_too_much_is_refused(tmp_path, monkeypatch, name):
    (tmp_path / name).write_bytes(FORMS[name])
    monkeypatch.setattr(kaggle_files, "_UNPACKED_LIMIT", len(CONTENT) - 1)
    with pytest.raises(UserError, match=f"{name}.* unpacks to more than .* unpack it yourself"):
        find_table(tmp_path, "training").read()
    (tmp_path / "training.csv").write_bytes(CONTENT)  # no archive, no limit
    assert find_table(tmp_path, "training").read() == CONTENT


def test_an_archive_is_read_up_to_the_limit(tmp_path, monkeypatch):
    (tmp_path / "training.zip").write_bytes(FORMS["training.zip"])
    monkeypatch.setattr(kaggle_files, "_UNPACKED_LIMIT", len(CONTENT))
    assert find_table(tmp_path, "training").read() == CONTENT


def test_an_archive_that_claims_too_much_is_refused_unread(tmp_path):
    (tmp_path / "training.zip").write_bytes(claiming(FORMS["training.zip"], 2 * 10**9 + 1))
    with pytest.raises(UserError, match="training.zip → training.csv unpacks to more than 2 GB"):
        find_table(tmp_path, "training").read()


def test_an_archive_that_claims_less_than_it_has_is_damaged(tmp_path):
    (tmp_path / "training.zip").write_bytes(claiming(FORMS["training.zip"], 3))
    with pytest.raises(UserError, match="training.zip → training.csv cannot be read"):
        find_table(tmp_path, "training").read()
