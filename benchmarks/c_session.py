"""A SavedModel in TensorFlow's C library, as a server loads it: none of its Python guards anything.

`CSession` runs in the process that makes it; `ChildSession` starts a process for it, which may
crash. That process does not import TensorFlow for Python, only its library through ctypes.
"""

import contextlib
import ctypes
import importlib.util
import pathlib
import pickle
import select
import subprocess
import sys
import tempfile

import numpy as np

STRING = 7  # TF_STRING
DTYPES = {  # TF_DataType
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int64": 9,
    "bool": 10,
    "float16": 19,
    "object": STRING,
}
NUMPY_DTYPES = {number: name for name, number in DTYPES.items()}
TSTRING_BYTES = 24
SECONDS_TO_ANSWER = 60


class _Output(ctypes.Structure):
    _fields_ = (("operation", ctypes.c_void_p), ("index", ctypes.c_int))


class CSession:
    """An open SavedModel; `run` takes and gives NumPy arrays, strings as arrays of `bytes`."""

    def __init__(self, folder):
        self._tf = _library()
        self._status = self._tf.TF_NewStatus()
        self._graph = self._tf.TF_NewGraph()
        tags = (ctypes.c_char_p * 1)(b"serve")
        options = self._tf.TF_NewSessionOptions()
        self._session = self._tf.TF_LoadSessionFromSavedModel(
            options, None, str(folder).encode(), tags, 1, self._graph, None, self._status
        )
        code, message = self._read_status()
        if code:
            raise RuntimeError(f"{folder} cannot be loaded: {message}")

    def run(self, feed, value, fetches):
        """Feeds one tensor and fetches others, named like `serve_bytes_image_bytes:0`.

        Returns:
            TF_Code, its message (empty if the code is 0), and the fetched arrays.
        """
        sent = self._tensor(value)
        received = (ctypes.c_void_p * len(fetches))()
        inputs = (_Output * 1)(self._output(feed))
        outputs = (_Output * len(fetches))(*map(self._output, fetches))
        self._tf.TF_SessionRun(
            self._session,
            None,
            inputs,
            (ctypes.c_void_p * 1)(sent),
            1,
            outputs,
            received,
            len(fetches),
            None,
            0,
            None,
            self._status,
        )
        self._tf.TF_DeleteTensor(sent)
        code, message = self._read_status()
        arrays = [] if code else [self._array(tensor) for tensor in received]
        for tensor in filter(None, received):
            self._tf.TF_DeleteTensor(tensor)
        return code, message, arrays

    def _read_status(self):
        message = self._tf.TF_Message(self._status).decode(errors="replace")
        return self._tf.TF_GetCode(self._status), message

    def _output(self, name):
        operation, index = name.split(":")
        found = self._tf.TF_GraphOperationByName(self._graph, operation.encode())
        if not found:
            raise RuntimeError(f"There is no operation {operation} in the graph.")
        return _Output(found, int(index))

    def _tensor(self, value):
        value = np.asarray(value)
        dtype = DTYPES[value.dtype.name]
        dims = (ctypes.c_int64 * value.ndim)(*value.shape)
        size = value.size * TSTRING_BYTES if dtype == STRING else value.nbytes
        tensor = self._tf.TF_AllocateTensor(dtype, dims, value.ndim, size)
        data = self._tf.TF_TensorData(tensor)
        if dtype == STRING:
            for index, text in enumerate(value.ravel().tolist()):
                place = data + index * TSTRING_BYTES
                self._tf.TF_StringInit(place)
                self._tf.TF_StringCopy(place, text, len(text))
        elif size:
            ctypes.memmove(data, np.ascontiguousarray(value).ctypes.data, size)
        return tensor

    def _array(self, tensor):
        shape = [self._tf.TF_Dim(tensor, axis) for axis in range(self._tf.TF_NumDims(tensor))]
        dtype = NUMPY_DTYPES[self._tf.TF_TensorType(tensor)]
        array = np.empty(shape, dtype)
        data = self._tf.TF_TensorData(tensor)
        if dtype == "object":
            places = [data + index * TSTRING_BYTES for index in range(array.size)]
            texts = np.empty(array.size, object)
            texts[:] = [
                ctypes.string_at(
                    self._tf.TF_StringGetDataPointer(place), self._tf.TF_StringGetSize(place)
                )
                for place in places
            ]
            return texts.reshape(shape)
        if array.nbytes:
            ctypes.memmove(array.ctypes.data, data, array.nbytes)
        return array


class ChildError(RuntimeError):
    """The child crashed, or did not answer in time."""


class ChildSession:
    """A `CSession` in a process of its own, killed when the context ends."""

    def __init__(self, folder):
        self._folder = folder

    def __enter__(self):
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.c_session", str(self._folder)],
            cwd=pathlib.Path(__file__).resolve().parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(BrokenPipeError):  # a request that it did not read
            self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()

    def run(self, feed, value, fetches):
        """Does the same as `CSession.run`.

        Raises:
            ChildError: if the process ends, or takes longer than `SECONDS_TO_ANSWER`.
        """
        try:
            pickle.dump((feed, value, fetches), self._process.stdin)
            self._process.stdin.flush()
            if not select.select([self._process.stdout], [], [], SECONDS_TO_ANSWER)[0]:
                raise ChildError(f"no answer within {SECONDS_TO_ANSWER} s")
            return pickle.load(self._process.stdout)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError):
            status = self._process.wait()
            self._errors.seek(0)
            last = self._errors.read().decode(errors="replace").strip().splitlines()[-3:]
            raise ChildError(f"crashed with status {status}: {' | '.join(last)}") from None

    def megabytes(self):
        """Returns the process's memory, in MB."""
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024


def _library():
    folder = pathlib.Path(importlib.util.find_spec("tensorflow").origin).parent
    # The second one needs the first.
    ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), ctypes.RTLD_GLOBAL)
    library = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"), ctypes.RTLD_GLOBAL)
    pointer, integer, text, size = (
        ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t
    )  # fmt: skip
    signatures = {
        "TF_NewStatus": (pointer,),
        "TF_NewGraph": (pointer,),
        "TF_NewSessionOptions": (pointer,),
        "TF_GetCode": (integer, pointer),
        "TF_Message": (text, pointer),
        "TF_LoadSessionFromSavedModel": (
            pointer,
            pointer,
            pointer,
            text,
            pointer,
            integer,
            pointer,
            pointer,
            pointer,
        ),
        "TF_GraphOperationByName": (pointer, pointer, text),
        "TF_SessionRun": (
            None,
            *[pointer] * 4,
            integer,
            *[pointer] * 2,
            integer,
            pointer,
            integer,
            *[pointer] * 2,
        ),
        "TF_AllocateTensor": (pointer, integer, pointer, integer, size),
        "TF_DeleteTensor": (None, pointer),
        "TF_TensorData": (pointer, pointer),
        "TF_TensorType": (integer, pointer),
        "TF_NumDims": (integer, pointer),
        "TF_Dim": (ctypes.c_int64, pointer, integer),
        "TF_StringInit": (None, pointer),
        "TF_StringCopy": (None, pointer, text, size),
        "TF_StringGetDataPointer": (pointer, pointer),
        "TF_StringGetSize": (size, pointer),
    }
    for name, (result, *arguments) in signatures.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


def main(folder):
    session = CSession(folder)
    with contextlib.suppress(EOFError):
        while True:
            request = pickle.load(sys.stdin.buffer)
            pickle.dump(session.run(*request), sys.stdout.buffer)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
