"""Measures inference: exported nets and their flip averages; specialists merged, and in a row.

    python benchmarks/inference.py preset:heatmap_s runs/net7      # any nets, side by side
    python benchmarks/inference.py runs/specialists                # a specialists run
    python benchmarks/inference.py          # six untrained net7, as fast as trained specialists

Milliseconds are per face, p50 and p99 over many calls. The ways of calling take turns, one call
each, so that whatever else the machine does slows all of them alike; ratios hold where single
figures may not. Load time and memory are measured in a process of their own for each way.
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

import command_line  # noqa: E402
import keypoint_schema  # noqa: E402

CALLS = {1: 60, 8: 40, 64: 10}  # by batch size
NETS = [specialist.name for specialist in keypoint_schema.SPECIALISTS]
MERGED, FLIP, SIX = "merged SavedModel", "merged, --flip-average", "six SavedModels in a row"
PREDICT = "six Keras predict() in a row"


def main(argv=None):
    arguments = parse_arguments(argv)
    if arguments.footprint:
        print(json.dumps(footprint(arguments.footprint)))
        return
    command_line.start_quietly()
    with tempfile.TemporaryDirectory() as folder:
        if is_specialists(arguments.nets):
            nets = load_specialists(*arguments.nets)
            folders = export_specialists(nets, pathlib.Path(folder))
        else:
            nets = {}
            folders = export_nets(arguments.nets, pathlib.Path(folder))
        latencies = measure_latencies(nets, folders)
        footprints = {way: start_footprint(paths) for way, paths in folders.items()}
    print_table(latencies, footprints)
    if nets:
        print_ratios(latencies)


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "nets",
        nargs="*",
        metavar="NET",
        help="runs and presets, or one specialists run (default: six untrained net7)",
    )
    # How the script starts itself for one row's load time and memory.
    parser.add_argument("--footprint", nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def is_specialists(sources):
    """Whether it is a single specialists run that is to be measured, or their stand-ins."""
    from trained_nets import preset_store, run_folder

    if len(sources) != 1 or preset_store.is_preset(sources[0]):
        return not sources
    return run_folder.RunFolder(sources[0]).read_config()["model"] == run_folder.SPECIALISTS


def export_nets(sources, folder):
    """Writes each net's SavedModel, plain and flip-averaged; returns the folders by way."""
    from exporting import export_saved_model
    from trained_nets import preset_store

    ways = {}
    for source in sources:
        net = preset_store.load_net(source)
        for way, flip_average in ((source, False), (f"{source}, --flip-average", True)):
            base = folder / f"model{len(ways)}"
            ways[way] = [str(export_saved_model(net, base, flip_average=flip_average).folder)]
    return ways


def load_specialists(run=None):
    """The six nets by their names."""
    import keras

    import models
    from trained_nets import run_folder

    if run is None:
        keras.utils.set_random_seed(0)
        return {
            specialist.name: models.build(
                "net7", len(specialist.keypoints), model_name=specialist.name
            )
            for specialist in keypoint_schema.SPECIALISTS
        }
    from exporting.float32_twin import float32_twin

    folder = run_folder.RunFolder(run)
    return {name: float32_twin(run_folder.load_net(folder.part(name).path).model) for name in NETS}


def export_specialists(nets, folder):
    """Writes each way's SavedModels; returns the lists of folders by way."""
    import models
    from exporting import write_saved_model

    def write(model, names, name, **options):
        write_saved_model(model, names, folder / name, **options)
        return str(folder / name)

    merged = models.merge_specialists(nets)
    mirror = keypoint_schema.Mirror.of(keypoint_schema.NAMES)
    keypoints = {s.name: s.keypoints for s in keypoint_schema.SPECIALISTS}
    singles = [write(nets[name], keypoints[name], name) for name in NETS]
    return {
        MERGED: [write(merged, keypoint_schema.NAMES, "merged")],
        FLIP: [write(merged, keypoint_schema.NAMES, "flip", mirror=mirror)],
        SIX: singles,
        f"single net ({NETS[0]})": singles[:1],
    }


def measure_latencies(nets, folders):
    """ms per face, by way and batch size."""
    from exporting import open_saved_model

    with contextlib.ExitStack() as stack:
        opened = {
            path: stack.enter_context(open_saved_model(path))
            for path in {path for paths in folders.values() for path in paths}
        }

        def saved_models(paths):
            def call(images):
                for path in paths:
                    opened[path].run("serving_default", images=images)

            return call

        def predict(images):
            for net in nets.values():
                net.predict(images, verbose=0)

        ways = {way: saved_models(paths) for way, paths in folders.items()}
        ways |= {PREDICT: predict} if nets else {}
        return {batch: take_turns(ways, batch, calls) for batch, calls in CALLS.items()}


def take_turns(ways, batch, calls):
    size = keypoint_schema.IMAGE_SIZE
    images = np.random.default_rng(0).uniform(0, 255, (batch, size, size, 1)).astype(np.float32)
    seconds = {way: [] for way in ways}
    for call in ways.values():
        call(images)
        call(images)
    order = list(ways)
    for _ in range(calls):
        for way in order:
            start = time.perf_counter()
            ways[way](images)
            seconds[way].append(time.perf_counter() - start)
        order = order[1:] + order[:1]  # or the same one would always follow predict()
    return {way: np.array(values) * 1e3 / batch for way, values in seconds.items()}


def start_footprint(paths):
    """`footprint` in a fresh process."""
    command = [sys.executable, __file__, "--footprint", *paths]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output.splitlines()[-1])


def footprint(paths):
    """Seconds from nothing to the first answer, TensorFlow's import aside, and MB that it took."""
    import tensorflow as tf

    from exporting import open_saved_model

    tf.constant(0)  # sets the run-time up
    before = resident_megabytes()
    size = keypoint_schema.IMAGE_SIZE
    image = np.zeros((1, size, size, 1), np.float32)
    with contextlib.ExitStack() as stack:
        start = time.perf_counter()
        saved = [stack.enter_context(open_saved_model(path)) for path in paths]
        loaded = time.perf_counter()
        for one in saved:
            one.run("serving_default", images=image)
        first = time.perf_counter()
        return {
            "load_s": loaded - start,
            "first_s": first - loaded,
            "megabytes": resident_megabytes() - before,
            "on_disk": sum(
                file.stat().st_size for path in paths for file in pathlib.Path(path).rglob("*")
            )
            / 1e6,
        }


def resident_megabytes():
    # Linux' own count: resource.getrusage knows only the peak of the whole process.
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def print_table(latencies, footprints):
    batches = " | ".join(f"batch {batch}: p50 | p99" for batch in CALLS)
    print(f"| ms per face | {batches} | load | first answer | memory | on disk |")
    print("|---" * (2 * len(CALLS) + 5) + "|")
    for way in latencies[1]:
        cells = [f"{np.percentile(latencies[b][way], p):.2f}" for b in CALLS for p in (50, 99)]
        if way in footprints:
            row = footprints[way]
            cells += [f"{row['load_s']:.2f} s", f"{row['first_s']:.2f} s"]
            cells += [f"{row['megabytes']:.0f} MB", f"{row['on_disk']:.0f} MB"]
        else:
            cells += [""] * 4
        print(f"| {way} | {' | '.join(cells)} |")


def print_ratios(latencies):
    print()
    for way in (SIX, PREDICT, FLIP):
        ratios = (
            f"{np.median(values[way]) / np.median(values[MERGED]):.2f} × at batch {batch}"
            for batch, values in latencies.items()
        )
        print(f"{way}, in units of {MERGED}: {', '.join(ratios)}")


if __name__ == "__main__":
    command_line.run(main)
