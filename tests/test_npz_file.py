import io
import zipfile

import numpy as np
import pytest

import npz_file


def written(tmp_path, **members):
    with zipfile.ZipFile(tmp_path / "arrays.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return tmp_path / "arrays.npz"


def header(description):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, description)
    return buffer.getvalue()


def test_arrays_are_read_by_name(tmp_path):
    np.savez(tmp_path / "arrays.npz", a=np.arange(3), b=np.array("text"))
    arrays = npz_file.read_arrays(tmp_path / "arrays.npz")
    assert arrays["a"].tolist() == [0, 1, 2]
    assert str(arrays["b"]) == "text"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "a.*"),
        (b"no array", "a is not an array"),
        (header({"descr": "<f4", "fortran_order": False, "shape": (10**12,)}), "allocate"),
        (header({"descr": "<f4", "fortran_order": False, "shape": (3,)}), "cannot be read"),
        (header({"descr": "|O", "fortran_order": False, "shape": (1,)}), "pickle"),
        (b"\x93NUMPY\x01\x00\x06\x00{'a':(", "cannot be read"),
    ],
)
def test_whatever_numpy_raises_is_a_value_error(tmp_path, content, reason):
    with pytest.raises(ValueError, match=reason):
        npz_file.read_arrays(written(tmp_path, a=content))


def test_the_reason_stays_short(tmp_path):
    np.savez(tmp_path / "arrays.npz", **{"a" * 1000: np.zeros(1)})
    content = (tmp_path / "arrays.npz").read_bytes()
    (tmp_path / "arrays.npz").write_bytes(content.replace(b"aaa", b"baa", 1))
    with pytest.raises(ValueError, match="it cannot be read .File name") as refused:
        npz_file.read_arrays(tmp_path / "arrays.npz")
    assert len(str(refused.value)) < 250


def test_a_file_that_is_no_archive_is_refused(tmp_path):
    (tmp_path / "arrays.npz").write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match="cannot be read"):
        npz_file.read_arrays(tmp_path / "arrays.npz")
