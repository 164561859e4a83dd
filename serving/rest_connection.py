"""TensorFlow Serving's REST interface, over one kept-alive connection.

Source: https://www.tensorflow.org/tfx/serving/api_rest, predict in the row format.
"""

import base64
import contextlib
import http.client
import json
import urllib.parse

import numpy as np

from errors import UserError
from serving.target import OVERLOADED, served_names
from serving.timed_http import TimedConnection, TimedTLSConnection

_LIMIT = "--rest_api_timeout_in_ms in serving/compose.yaml"
_IS_IT = "Is it TensorFlow Serving's REST port?"


class RestConnection:
    """See `connection.connect`."""

    def __init__(self, target):
        self._target, self._where = target, f"{target.url} (REST)"
        parts = urllib.parse.urlsplit(target.url)
        # TensorFlow Serving's REST port has no TLS, so https is that of a proxy before it, on 443.
        kind = {"http": (TimedConnection, 8501), "https": (TimedTLSConnection, 443)}
        connection, usual_port = kind[parts.scheme]
        self._http = connection(parts.hostname, parts.port or usual_port)
        self._path = f"{parts.path.rstrip('/')}/v1/models/{urllib.parse.quote(target.model)}"
        if target.version is not None:
            self._path += f"/versions/{target.version}"
        elif target.label is not None:
            self._path += f"/labels/{urllib.parse.quote(target.label)}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._http.close()

    def predict(self, signature, **inputs):
        """Runs a signature; see `connection.connect`."""
        body = json.dumps(predict_request(signature, **inputs), separators=(",", ":"))
        answer = self._ask("POST", f"{self._path}:predict", body.encode())
        with self._refusing_others():
            return read_predictions(answer)

    def names(self):
        """The served keypoints' names, in the schema's order."""
        answer = self._ask("GET", f"{self._path}/metadata")
        with self._refusing_others():
            signatures = answer["metadata"]["signature_def"]["signature_def"]
            outputs = {name: set(each["outputs"]) for name, each in signatures.items()}
        return served_names(outputs, self._target)

    def status(self):
        """Returns `{version: (state, reason)}` of the model, such as `{1: ("AVAILABLE", "")}`.

        It is that of all versions under a label, too: the server looks at no label here.
        """
        answer = self._ask("GET", self._path)
        with self._refusing_others():
            return {
                int(each["version"]): (
                    each["state"],
                    each.get("status", {}).get("error_message", ""),
                )
                for each in answer["model_version_status"]
            }

    def version(self):
        """Returns the version that answers the target's requests."""
        answer = self._ask("GET", f"{self._path}/metadata")
        with self._refusing_others():
            return int(answer["model_spec"]["version"])

    @contextlib.contextmanager
    def _refusing_others(self):
        """Takes JSON that has not what TensorFlow Serving's has for another server's."""
        try:
            yield
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            raise UserError(
                f"The answer of {self._where} is not TensorFlow Serving's "
                f"({type(error).__name__}: {error}). {_IS_IT}"
            ) from error

    def _ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body else {}
        where = self._where
        self._http.start_clock(self._target.timeout)
        try:
            try:
                response = self._send(method, path, body, headers)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self._http.close()  # the server closed an idle connection; try a new one
                response = self._send(method, path, body, headers)
            content = response.read()
        except TimeoutError:
            self._http.close()
            raise UserError(
                f"The server must answer within {self._target.timeout:g} s. {where} did not; is it "
                "still loading, or overloaded? --timeout gives it longer, up to the server's own "
                f"limit ({_LIMIT})."
            ) from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:  # the last: odd hosts
            self._http.close()
            raise UserError(
                f"No TensorFlow Serving answers at {where}: {error or type(error).__name__}. "
                "Start one (docs/serving.md), or give its --url."
            ) from error
        return _read_json(response.status, content, where)

    def _send(self, method, path, body, headers):
        self._http.request(method, path, body, headers)
        return self._http.getresponse()


def predict_request(signature, **inputs):
    """The JSON of a predict request with one input, in the row format: a value per picture."""
    ((_, values),) = inputs.items()
    if values.dtype == object:
        instances = [{"b64": base64.b64encode(value).decode("ascii")} for value in values]
    else:
        instances = values.tolist()
    return {"signature_name": signature, "instances": instances}


def read_predictions(answer):
    """Outputs by name from a predict response; a single output comes without its name.

    Numbers become float32, texts `bytes` objects, as over gRPC. The server writes NaN as the bare
    word, which is not JSON by its standard, but Python reads it.
    """
    rows = answer["predictions"]
    if not (rows and isinstance(rows[0], dict)):
        return {"keypoints": np.array(rows, np.float32)}
    return {name: _array([row[name] for row in rows]) for name in rows[0]}


def _array(values):
    if isinstance(values[0], str):
        return np.array([value.encode() for value in values], object)
    return np.array(values, np.float32)


def _read_json(status, content, where):
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UserError(
            f"The answer must be JSON. Received status {status} from {where}: {content[:80]!r}. "
            f"{_IS_IT}"
        )
    if status == http.client.SERVICE_UNAVAILABLE:
        raise UserError(OVERLOADED.format(where, answer.get("error")))
    if status == http.client.GATEWAY_TIMEOUT:
        raise UserError(
            f"{where} took longer than its own limit for a request: {answer.get('error')}. Raise "
            f"it ({_LIMIT}), or ask over gRPC, which has no other limit than --timeout."
        )
    if status != http.client.OK:
        raise UserError(f"{where} refused the request: {answer.get('error', content[:200])}")
    return answer
