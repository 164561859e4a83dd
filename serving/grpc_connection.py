"""TensorFlow Serving's gRPC interface; needs the extra `serving`."""

import urllib.parse

import numpy as np

from errors import UserError
from serving.target import OVERLOADED, served_names


class GrpcConnection:
    """See `connection.connect`."""

    def __init__(self, target):
        try:
            import grpc
            from tensorflow_serving.apis import prediction_service_pb2_grpc
        except ImportError as error:
            raise UserError(
                "gRPC needs further packages (REST does not). Install them: pip install -e "
                "'.[serving]'."
            ) from error
        self._grpc = grpc
        self._target = target
        parts = urllib.parse.urlsplit(target.url)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname  # IPv6
        address = f"{host}:{parts.port or 8500}"
        if parts.scheme == "grpcs":
            credentials = self._grpc.ssl_channel_credentials()
            self._channel = self._grpc.secure_channel(address, credentials)
        else:
            self._channel = self._grpc.insecure_channel(address)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._channel.close()

    def predict(self, signature, **inputs):
        """Runs a signature; see `connection.connect`."""
        import tensorflow as tf

        outputs = self.call_predict(signature, **inputs).outputs
        return {name: tf.make_ndarray(tensor) for name, tensor in outputs.items()}

    def call_predict(self, signature, **inputs):
        """Runs a signature; returns the `PredictResponse`."""
        request = predict_request(self._target, signature, **inputs)
        return self._call(self._stub.Predict, request)

    def names(self):
        """The served keypoints' names, in the schema's order."""
        from tensorflow_serving.apis import get_model_metadata_pb2

        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        _specify(request.model_spec, self._target)
        response = self._call(self._stub.GetModelMetadata, request)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        outputs = {name: each.outputs for name, each in signatures.signature_def.items()}
        return served_names(outputs, self._target)

    def _call(self, method, request):
        where = f"{self._target.url} (gRPC)"
        codes = self._grpc.StatusCode
        try:
            return method(request, timeout=self._target.timeout)
        except self._grpc.RpcError as error:
            if error.code() == codes.DEADLINE_EXCEEDED:
                raise UserError(
                    f"The server must answer within {self._target.timeout:g} s. {where} did not; "
                    "is it still loading, or overloaded? --timeout gives it longer."
                ) from None
            if error.code() == codes.UNAVAILABLE and "queue" in error.details():
                raise UserError(OVERLOADED.format(where, error.details())) from None
            if error.code() == codes.UNAVAILABLE:
                raise UserError(
                    f"No TensorFlow Serving answers at {where}: {error.details()}. Start one "
                    "(docs/serving.md), or give its --url."
                ) from None
            raise UserError(f"{where} refused the request: {error.details()}") from None


def predict_request(target, signature, **inputs):
    """The `PredictRequest` of NumPy inputs."""
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    request = predict_pb2.PredictRequest()
    _specify(request.model_spec, target)
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        dtype = tf.string if values.dtype == object else None
        request.inputs[name].CopyFrom(tf.make_tensor_proto(np.asarray(values), dtype))
    return request


def _specify(spec, target):
    spec.name = target.model
    if target.version is not None:
        spec.version.value = target.version
    elif target.label is not None:
        spec.version_label = target.label
