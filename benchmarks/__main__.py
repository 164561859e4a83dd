"""Measures training and inference as one Markdown table of speeds and their ratios.

    python -m benchmarks
    python -m benchmarks --net heatmap_m --rounds 15

Everything that is compared with something takes turns with it in one run, so that other load on the
machine slows both alike: trust the ratios. Each row gives a median speed, and the median of the
rounds' ratios (from their 5th to their 95th percentile); above 1 is faster. A ratio to the matrix
product is the share of its floating-point operations a second. PyTorch's step needs the extra
`peers`; ONNX Runtime, LiteRT and OpenVINO need the extras `onnx`, `litert` and `openvino`. Rows
whose packages are missing are left out.
"""

import numpy as np

import command_line
import tensorflow_start
from benchmarks import machine
from benchmarks.turns import take_turns

PROGRAM = "python -m benchmarks"
BATCHES = 20  # in a turn of training
INFERENCE = {1: 60, 64: 10}  # calls in a row, by batch size


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    command_line.add_data_argument(parser)
    parser.add_argument("--net", default="heatmap_s", help="of the zoo (default: %(default)s)")
    parser.add_argument(
        "--rounds", type=command_line.at_least(1), default=7, help="(default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import data_pipeline
    import models
    from benchmarks import training_parts
    from exporting.saved_model_export import require_tensorflow

    require_tensorflow()
    models.find(arguments.net)  # reports mistakes before any work
    faces = data_pipeline.load_faces(arguments.data)
    print(f"{machine.describe()}.\n")
    print("| what | speed | ratio | to |\n|:--|--:|--:|:--|")
    parts, comparisons = training_parts.training_parts(arguments.net, faces, BATCHES)
    seconds = take_turns({name: part.call for name, part in parts.items()}, arguments.rounds)
    rates = {name: parts[name].work / values for name, values in seconds.items()}
    for name, other, factor in comparisons:
        print_row(name, parts[name].shown(np.median(rates[name])), rates, other, factor)
    print_inference(arguments.net, arguments.rounds)


def print_inference(net, rounds):
    """Prints ms per face of an exported net in each format that is installed."""
    from benchmarks import runtimes

    with runtimes.started(net) as processes:
        for batch, calls in INFERENCE.items():
            taken = runtimes.milliseconds(processes, batch, calls, rounds)
            taken = {f"{way}, batch {batch}": values for way, values in taken.items()}
            rates = {way: 1 / values for way, values in taken.items()}
            first = next(iter(taken))
            for way, values in taken.items():
                speed = f"{np.median(values):.2f} ms/face"
                print_row(way, speed, rates, None if way == first else first)


def print_row(name, speed, rates, other, factor=1.0):
    """Prints a row; `factor` converts the rate's unit to the other's, such as images to FLOP."""
    ratio = ""
    if other is not None:
        ratios = factor * rates[name] / rates[other]
        low, high = np.percentile(ratios, (5, 95))
        ratio = f"{np.median(ratios):.2f} ({low:.2f} to {high:.2f})"
    print(f"| {name} | {speed} | {ratio} | {other or ''} |", flush=True)


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
