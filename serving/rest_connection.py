"""TensorFlow Serving's REST interface, over one kept-alive connection.

Source: https://www.tensorflow.org/tfx/serving/api_rest, predict in the row format.
"""

import base64
import http.client
import json
import urllib.parse

import numpy as np

from errors import UserError
from serving.target import served_names


class RestConnection:
    """See `connection.connect`."""

    def __init__(self, target):
        self._target = target
        parts = urllib.parse.urlsplit(target.url)
        kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        self._http = kind[parts.scheme](parts.hostname, parts.port, timeout=target.timeout)
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
        return read_predictions(self._ask("POST", f"{self._path}:predict", body.encode()))

    def names(self):
        """The served keypoints' names, in the schema's order."""
        answer = self._ask("GET", f"{self._path}/metadata")
        signatures = answer["metadata"]["signature_def"]["signature_def"]
        outputs = {name: each["outputs"] for name, each in signatures.items()}
        return served_names(outputs, self._target)

    def _ask(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body else {}
        where = f"{self._target.url} (REST)"
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
                "still loading, or overloaded? --timeout gives it longer."
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
    """Outputs by name from a predict response; a single output comes without its name."""
    rows = answer["predictions"]
    if rows and isinstance(rows[0], dict):
        return {name: np.array([row[name] for row in rows], np.float32) for name in rows[0]}
    return {"keypoints": np.array(rows, np.float32)}


def _read_json(status, content, where):
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise UserError(
            f"The answer must be JSON. Received status {status} from {where}: {content[:80]!r}; is "
            "it TensorFlow Serving's REST port?"
        )
    if status != http.client.OK:
        raise UserError(f"{where} refused the request: {answer.get('error', content[:200])}")
    return answer
