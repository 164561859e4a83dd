"""Measures exported nets and their flip averages; of specialists, also the six one by one.

    python -m benchmarks.inference preset:heatmap_s runs/net7      # any nets, side by side
    python -m benchmarks.inference runs/specialists

Milliseconds are per face, p50 and p99 over many calls. The ways of calling take turns, one call
each, so that whatever else the machine does slows all of them alike: ratios hold where single
figures may not. Load time and memory are measured in a new process for each way.
"""

import contextlib
import multiprocessing
import os
import pathlib
import tempfile
import time

import numpy as np

import command_line
import tensorflow_start
from benchmarks.runtimes import random_images
from benchmarks.turns import take_turns

PROGRAM = "python -m benchmarks.inference"
CALLS = {1: 60, 8: 40, 64: 10}  # by batch size


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("nets", nargs="+", metavar="NET", help="a run folder or preset:NAME")
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    with tempfile.TemporaryDirectory() as folder:
        saved_models, keras_models = {}, {}
        for number, net in enumerate(arguments.nets):
            saved, models = prepare(net, pathlib.Path(folder, str(number)))
            saved_models |= saved
            keras_models |= models
        latencies = measure_latencies(saved_models, keras_models)
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
            costs = processes.map(measure_costs, saved_models.values(), chunksize=1)
    print_table(latencies, dict(zip(saved_models, costs, strict=True)))


def prepare(name, folder):
    """Exports a net, and each specialist of a specialists run.

    Returns:
        The SavedModel folders and the Keras models that each row of the table calls in turn.
    """
    from exporting import export_saved_model
    from trained_nets import places
    from trained_nets.loading import load_keras_net, load_run
    from trained_nets.run_folder import RunFolder

    def export(net, subfolder, **options):
        return export_saved_model(net, folder / subfolder, **options).folder

    net = load_keras_net(name)
    saved_models = {
        name: [export(net, "plain")],
        f"{name}, --flip-average": [export(net, "flip", flip_average=True)],
    }
    if net.config["model"] != places.SPECIALISTS_MODEL:
        return saved_models, {}
    parts = RunFolder(name).parts(net.config)
    nets = {part: load_run(run) for part, run in parts.items()}
    singles = [export(each, part) for part, each in nets.items()]
    saved_models[f"{name}, six SavedModels in a row"] = singles
    saved_models[f"{name}, {next(iter(nets))} alone"] = singles[:1]
    keras_models = [each.model for each in nets.values()]
    return saved_models, {f"{name}, six Keras predict() in a row": keras_models}


def measure_latencies(saved_models, keras_models):
    """ms per face of every call, by batch size and way."""
    from exporting import open_saved_model

    with contextlib.ExitStack() as stack:

        def serve(folder):
            saved_model = stack.enter_context(open_saved_model(folder))
            return lambda images: saved_model.run("serving_default", images=images)

        def predict(model):
            return lambda images: model.predict(images, verbose=0)

        ways = {way: list(map(serve, folders)) for way, folders in saved_models.items()}
        ways |= {way: list(map(predict, models)) for way, models in keras_models.items()}
        return {batch: milliseconds(ways, batch, calls) for batch, calls in CALLS.items()}


def milliseconds(ways, batch, calls):
    """ms per face of each call, by way; a way is a list of functions of images, called in a row."""
    images = random_images(batch)

    def in_a_row(functions):
        return lambda: [function(images) for function in functions]

    seconds = take_turns({way: in_a_row(functions) for way, functions in ways.items()}, calls)
    return {way: values * 1e3 / batch for way, values in seconds.items()}


def measure_costs(folders):
    """What SavedModels cost a new process: s to load, s to the first answer, MB memory, MB disk.

    TensorFlow's own start does not count.
    """
    tensorflow_start.start_quietly()
    import tensorflow as tf

    from exporting import open_saved_model

    tf.constant(0)
    images = random_images(1)
    before = resident_megabytes()
    with contextlib.ExitStack() as stack:
        start = time.perf_counter()
        saved_models = [stack.enter_context(open_saved_model(folder)) for folder in folders]
        loaded = time.perf_counter()
        for saved_model in saved_models:
            saved_model.run("serving_default", images=images)
        answered = time.perf_counter()
        memory = resident_megabytes() - before
    files = [file for folder in folders for file in folder.rglob("*")]
    disk = sum(file.stat().st_size for file in files) / 1e6
    return loaded - start, answered - loaded, memory, disk


def resident_megabytes():
    # Linux' own count: resource.getrusage knows only the peak of the whole process.
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def print_table(latencies, costs):
    batches = " | ".join(f"batch {batch}: p50 | p99" for batch in CALLS)
    print(f"| ms per face | {batches} | load | first answer | memory | on disk |")
    print("|:--|" + "--:|" * (2 * len(CALLS) + 4))
    for way in latencies[1]:
        cells = [f"{np.percentile(latencies[b][way], p):.2f}" for b in CALLS for p in (50, 99)]
        if way in costs:
            forms = ("{:.2f} s", "{:.2f} s", "{:.0f} MB", "{:.0f} MB")
            cells += [form.format(cost) for form, cost in zip(forms, costs[way], strict=True)]
        else:
            cells += [""] * 4
        print(f"| {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
