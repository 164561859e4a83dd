"""The training step of a heatmap net in PyTorch, to compare Keras's with.

It shares the Keras net's layers and initial weights: each layer is computed by the PyTorch function
that does the same. Loss, clipping, weight decay and moving average are those of the recipe.
"""

import importlib.util
import sys

import numpy as np

import keypoint_schema
from models.heatmap_layers import TARGET_DEVIATION, cell_centres

_DELTA = 1.5  # px, of the Huber loss

# PyTorch's optimizers load its compiler, Triton, which crashes the process if TensorFlow is there
# already. Nothing here compiles.
sys.modules.setdefault("triton", None)


def is_installed():
    """Returns whether the extra `peers` is installed."""
    return importlib.util.find_spec("torch") is not None


class TorchNet:
    """A heatmap net's layers in PyTorch, in the channels-last layout that is fastest there.

    Attributes:
        weights: the trainable tensors by name, float32.
    """

    def __init__(self, net):
        import torch

        self._layers = [(layer, _function(layer)) for layer in net.layers[1:]]
        self._input = net.input
        self.weights = {}
        for layer, _ in self._layers:
            for weight in layer.weights:
                array = np.array(weight, np.float32)
                if array.ndim == 4:  # from (height, width, in, out)
                    depthwise = weight.name == "kernel" and "depthwise" in layer.name
                    array = array.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
                tensor = torch.from_numpy(np.ascontiguousarray(array))
                if tensor.ndim == 4:
                    tensor = tensor.to(memory_format=torch.channels_last)
                self.weights[f"{layer.name}/{weight.name}"] = tensor.requires_grad_()

    def __call__(self, images):
        """Computes keypoints `(batch, K, 2)` and logits `(batch, K, height, width)`.

        Args:
            images: float32 `(batch, 1, 96, 96)`, channels last in memory.
        """
        values, logits = {id(self._input): images}, None
        for layer, function in self._layers:
            sources = layer.input if isinstance(layer.input, list) else [layer.input]
            own = {each.name: self.weights[f"{layer.name}/{each.name}"] for each in layer.weights}
            values[id(layer.output)] = function(*(values[id(each)] for each in sources), **own)
            logits = values[id(sources[0])]  # in the end, what the last layer reads
        return values[id(layer.output)], logits


def training_step(net, recipe, images, keypoints, bfloat16):
    """Builds a function that takes one step on the same batch again and again.

    Args:
        net: a heatmap net of the zoo, in Keras.
        recipe: its recipe, with the Huber loss.
        images: `(batch, 96, 96, 1)`, 0–255.
        keypoints: float32 `(batch, K, 2)`, normalized, NaN where unlabelled.
        bfloat16: whether hidden layers compute in it; float32 otherwise.

    Returns:
        A function that returns the loss before the step.
    """
    import torch

    if recipe.loss != "huber" or recipe.optimizer != "adamw":
        raise ValueError(f"The peer trains with Huber loss and AdamW. Received: {recipe}.")
    model = TorchNet(net)
    decayed = [weight for name, weight in model.weights.items() if not name.endswith("bias")]
    others = [weight for name, weight in model.weights.items() if name.endswith("bias")]
    groups = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(
        groups, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    weights = [*decayed, *others]
    averages = [weight.detach().clone() for weight in weights]
    pictures = torch.from_numpy(np.array(images, np.float32).transpose(0, 3, 1, 2))
    pictures = pictures.to(memory_format=torch.channels_last)
    labels = torch.from_numpy(np.array(keypoints, np.float32))

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            answers, logits = model(pictures)
        value = loss(labels, answers, logits, recipe.heatmap_loss)
        value.backward()
        torch.nn.utils.clip_grad_norm_(weights, 5.0, foreach=True)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(averages, [weight.detach() for weight in weights], 0.01)
        return value.item()

    return step


def loss(labels, answers, logits, heatmap_loss):
    """Computes Huber loss in px plus `heatmap_loss` times the cross-entropy of the heatmaps."""
    import torch

    labelled = ~torch.isnan(labels).any(-1)
    places = torch.where(labelled[..., None], labels, torch.zeros(()))
    sizes = (answers - places).abs() * keypoint_schema.PIXELS_PER_UNIT
    huber = torch.where(sizes <= _DELTA, sizes**2 / (2 * _DELTA), sizes - _DELTA / 2).mean(-1)
    height, width = logits.shape[2:]
    cells = torch.from_numpy(cell_centres(height, width).astype(np.float32))
    deviation = TARGET_DEVIATION / keypoint_schema.PIXELS_PER_UNIT
    squares = ((places[:, :, None] - cells) ** 2).sum(-1)
    targets = torch.softmax(-squares / (2 * deviation**2), -1)
    entropies = -(targets * torch.log_softmax(logits.flatten(2), -1)).sum(-1)
    return ((huber + heatmap_loss * entropies) * labelled).sum() / labelled.sum().clamp(min=1)


def _function(layer):
    """Finds the function that computes a Keras layer in PyTorch, from its inputs and weights."""
    import torch
    from torch.nn import functional

    def convolution(x, kernel, bias=None, groups=1):
        size, stride = kernel.shape[-1], layer.strides[0]
        padding = size // 2
        if stride > 1:  # "same" pads even pictures after the last pixel only
            x = functional.pad(x, (0, size - stride, 0, size - stride))
            padding = 0
        if layer.compute_dtype != "float32":
            return functional.conv2d(x, kernel, bias, stride, padding, 1, groups)
        with torch.autocast("cpu", enabled=False):
            return functional.conv2d(x.float(), kernel, bias, stride, padding, 1, groups)

    def standardize(x):
        x = x / 255
        x = x - x.mean((1, 2, 3), keepdim=True)
        return x / ((x**2).mean((1, 2, 3), keepdim=True).sqrt() + 0.02)

    def soft_argmax(logits):
        cells = torch.from_numpy(cell_centres(*logits.shape[2:]).astype(np.float32))
        with torch.autocast("cpu", enabled=False):
            return torch.softmax(logits.float().flatten(2), -1) @ cells

    functions = {
        "Standardize": standardize,
        "Conv2D": convolution,
        "DepthwiseConv2D": lambda x, kernel: convolution(x, kernel, groups=len(kernel)),
        "ReLU": functional.relu,
        "Add": torch.add,
        "AveragePooling2D": lambda x: functional.avg_pool2d(x, layer.pool_size),
        "GlobalAveragePooling2D": lambda x: x.mean((2, 3), keepdim=True),
        "UpSampling2D": lambda x: functional.interpolate(
            x, scale_factor=2, mode="bilinear", align_corners=False
        ),
        "SoftArgmax": soft_argmax,
    }
    return functions[type(layer).__name__]
