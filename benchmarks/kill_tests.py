"""Kills trainings, exports and the writing of the data cache, and checks what is left of them.

    python -m benchmarks.kill_tests --kills 50 --seed 1

Each is killed with SIGKILL, half of the times at a random moment, half of the times before a random
file operation. A training (six specialists, one after another or two at a time, or two folds of
narrow nets, on 60 drawn faces, one thread) is resumed until it is done; weights, history and
results then equal those of an undisturbed training to the last bit. A killed export never shows a
version that does not load and answer as it should. A killed reading of the data never leaves a
cache that is read wrongly. SIGTERM saves and ends the training within five seconds of processor
time. Linux only.
"""

import collections
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import types

import command_line
import tensorflow_start
from benchmarks.forked import Forks, Kill, Kills
from benchmarks.run_contents import differing, weights
from errors import FailedError, UserError

PROGRAM = "python -m benchmarks.kill_tests"
KINDS = ("specialists", "folds", "jobs", "sigterm", "exports", "cache")
EPOCHS = 3
TRAININGS = {
    # Dropout, flips and a rising momentum.
    "net7": ("--model", "specialists", "--architecture", "net7"),
    # AdamW, averaged weights and measured mirror offsets.
    "heatmap_s": ("--model", "specialists", "--architecture", "heatmap_s"),
    "folds": ("--model", "net7", "--folds", 2),
    # Its processes know nothing of narrow nets, so this one is small by itself.
    "jobs": (
        *("--model", "specialists", "--architecture", "net1"),
        *("--set", "hidden_units=5", "--jobs", 2),
    ),
}
SECONDS_TO_SAVE = 5.0


def main(argv=None):
    arguments = parse_arguments(argv)
    if sys.platform != "linux":
        raise UserError("The kill tests fork processes, which needs Linux.")
    # A fork needs one thread; pandas imports Arrow where it is installed.
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    tensorflow_start.start_quietly()
    from tests import narrow_nets

    narrow_nets.put_into_zoo(types.SimpleNamespace(setattr=setattr))
    kills, chance = arguments.kills, random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(prefix="kill-tests-") as name:
        forks = Forks(pathlib.Path(name))
        forks.run(lambda: write_faces(forks.folder / "faces"))
        references = References(forks)
        if "specialists" in arguments.only:
            kill_trainings(references, ("net7", "heatmap_s"), Kills(kills, chance))
        if "folds" in arguments.only:
            kill_trainings(references, ("folds",), Kills(max(1, kills // 5), chance))
        if "jobs" in arguments.only:
            kill_trainings(references, ("jobs",), Kills(max(1, kills // 5), chance))
        if "sigterm" in arguments.only:
            end_trainings(references, max(1, kills // 10), chance)
        if "exports" in arguments.only:
            kill_exports(references, Kills(max(1, kills * 3 // 5), chance))
        if "cache" in arguments.only:
            kill_cache_writes(forks, Kills(max(1, kills * 2 // 5), chance))


def parse_arguments(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument(
        "--kills",
        type=command_line.at_least(1),
        default=50,
        help="of specialists; exports get three fifths as many, the cache two fifths, folds "
        "and two jobs a fifth each, and SIGTERM is sent a tenth as often (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=1, help="decides when (default: %(default)s)")
    parser.add_argument("--only", nargs="+", choices=KINDS, default=KINDS, help="(default: all)")
    return parser.parse_args(argv)


def write_faces(folder):
    from tests import small_data

    folder.mkdir()
    small_data.write_download(folder)


def require(holds, what):
    if not holds:
        raise FailedError(f"{what} is not as it should be.")


def in_one_thread(main, *options):
    """Returns work that runs a script's `main` with these options."""

    def work():
        import tensorflow as tf

        import callbacks

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        callbacks.resume.SECONDS_BETWEEN_SAVES = 0.0
        command_line.run(main, main.__module__, [str(option) for option in options])

    return work


class References:
    """Undisturbed trainings to compare with, made when they are first asked for."""

    def __init__(self, forks: Forks):
        self.forks = forks
        self._ended = {}

    def train(self, what, name, kill=None):
        """Trains one of `TRAININGS` into a folder, or resumes it; returns how the process ended."""
        import train
        from trained_nets.run_folder import RunFolder

        runs = self.forks.folder / "runs"
        options = [*TRAININGS[what], "--name", name, "--runs", runs]
        options += ["--data", self.forks.folder / "faces", "--epochs", EPOCHS]
        options += ["--precision", "float32"]
        if RunFolder(runs / name).is_begun():
            options.append("--resume")
        return self.forks.run(in_one_thread(train.main, *options), kill)

    def ended(self, what):
        """Returns how the undisturbed training ended."""
        if what not in self._ended:
            forget_cache(self.forks.folder / "faces")
            self._ended[what] = self.train(what, self.folder(what).name)
            require(self._ended[what].status == 0, f"An undisturbed training ({self.log()})")
        return self._ended[what]

    def folder(self, what):
        return self.forks.folder / "runs" / f"undisturbed-{what}"

    def log(self):
        return self.forks.log.read_text(errors="replace")[-500:]

    def compare(self, what, name):
        """Requires that a run equals the undisturbed one, and that nothing else is left of it."""
        run, expected = self.forks.folder / "runs" / name, self.folder(what)
        files = differing(run, expected)
        require(not files, f"{name}, whose {', '.join(files)} differ after kills,")
        hidden = [path.name for path in run.parent.rglob(".*")]
        require(not hidden, f"What is left beside {name} ({', '.join(hidden)})")


def kill_trainings(references, whats, kills):
    """Kills trainings and resumes them, until all kills are used up and the last one is done."""
    stages, trainings = collections.Counter(), 0
    while kills.left:
        what, name = whats[trainings % len(whats)], f"killed{trainings}"
        undisturbed = references.ended(what)
        faces = references.forks.folder / "faces"
        forget_cache(faces)
        while True:
            ended = references.train(what, name, kills.next(undisturbed, share=0.5))
            kills.count(ended)
            run = references.forks.folder / "runs" / name
            if not ended.was_killed:
                break
            require_whole_files(run)
            stages[stage(run, faces)] += 1
        require(ended.status == 0, f"A resumed training ({references.log()})")
        references.compare(what, name)
        shutil.rmtree(run)
        trainings += 1
        print(
            f"\r{kills.survived} kills of {trainings} trainings survived; each then equalled the "
            "undisturbed one to the last bit.",
            end="",
            flush=True,
        )
    print("\n  killed " + ", ".join(f"{where}: {n}" for where, n in stages.most_common()))


def require_whole_files(run):
    """Requires that every file which a kill left under its own name can be read."""
    import numpy as np

    for path in run.rglob("config.json"):
        json.loads(path.read_text())
    for path in run.rglob("[!.]*.npz"):
        with np.load(path, allow_pickle=False) as stored:
            require([stored[name] for name in stored.files], f"{path}, which is empty,")
    for path in run.rglob("[!.]*.keras"):
        weights(path)


def stage(run, faces):
    """Names what a kill interrupted, by what it left."""
    from trained_nets.run_folder import RunFolder

    if not list(faces.glob(".facial_keypoints_cache/[!.]*")):
        return "before the data was cached"
    if not RunFolder(run).is_begun():
        return "before the first file"
    half = [path.name.split("-", 2)[2] for path in run.rglob(".tmp-*")]
    if half:
        return f"while writing {half[0]}"
    configs = {path.parent: json.loads(path.read_text()) for path in run.rglob("config.json")}
    is_ended = "results" in configs.pop(run)
    unfinished = [part for part, config in configs.items() if "results" not in config]
    if unfinished:
        saved = (unfinished[0] / "resume.npz").exists()
        return "in a later epoch" if saved else "in the first epoch"
    return "at the end" if is_ended else "between two nets"


def end_trainings(references, number, chance):
    """Sends SIGTERM to trainings, which must save, end soon, and be resumed as if nothing was."""
    slowest, what = 0.0, "net7"
    undisturbed = references.ended(what)
    for i in range(number):
        name = f"ended{i}"
        run = references.forks.folder / "runs" / name
        seconds = chance.uniform(0.3, 0.9) * undisturbed.seconds
        ended = references.train(what, name, Kill(seconds, by=signal.SIGTERM))
        require(ended.status in (0, 130), f"The end by SIGTERM ({references.log()})")
        if ended.status == 130 and (run / "config.json").exists():
            slowest = max(slowest, ended.seconds_after_signal)
        require(references.train(what, name).status == 0, f"A resume ({references.log()})")
        references.compare(what, name)
        shutil.rmtree(run)
    require(slowest < SECONDS_TO_SAVE, f"The time to save after SIGTERM, {slowest:.1f} s,")
    print(f"{number} trainings ended by SIGTERM within {slowest:.1f} s of processor time.")


def kill_exports(references, kills):
    """Kills exports; every version that can be seen must load and answer like the first."""
    import export

    references.ended("net7")
    forks, run = references.forks, references.folder("net7")
    base, answers = forks.folder / "exports" / "model", forks.folder / "answers.npy"
    work = in_one_thread(export.main, run, "--out", base)
    undisturbed = forks.run(work)
    require(undisturbed.status == 0, f"An undisturbed export ({forks.log.read_text()[-500:]})")
    forks.run(lambda: check_version(base / "1", answers))
    checked = {"1"}
    while kills.left:
        kills.count(forks.run(work, kills.next(undisturbed)))
        seen = {path.name for path in base.iterdir() if not path.name.startswith(".")}
        for version in sorted(seen - checked):
            forks.run(lambda: check_version(base / version, answers))  # noqa: B023
        checked |= seen
    last = forks.run(work)
    require(last.status == 0, f"The export after them ({forks.log.read_text()[-500:]})")
    for path in base.glob("[!.]*"):
        forks.run(lambda: check_version(path, answers))  # noqa: B023
    hidden = {path.name for path in base.glob(".*")} - {".export-lock"}
    require(not hidden, f"What is left beside the versions ({', '.join(hidden)})")
    print(f"{kills.survived} kills of exports survived; all {len(checked) + 1} versions answer.")


def check_version(version, answers):
    """Loads a version, and compares its answers with those of the first."""
    import numpy as np

    from tests import small_data
    from trained_nets.loading import load_net

    predicted = load_net(version).predict(small_data.faces()[0][:4])
    if not answers.exists():
        np.save(answers, predicted)
    np.testing.assert_array_equal(predicted, np.load(answers))


def forget_cache(faces):
    shutil.rmtree(faces / ".facial_keypoints_cache", ignore_errors=True)


def kill_cache_writes(forks, kills):
    """Kills the first reading of data; the next one must give the same faces and labels."""
    faces, known = forks.folder / "many", forks.folder / "fingerprint"
    forks.run(lambda: write_many_faces(faces))

    def load():
        import data_pipeline

        known.write_text(data_pipeline.load_faces(faces).fingerprint)

    undisturbed = forks.run(load)
    expected = known.read_text()
    while kills.left:
        for file in faces.glob(".facial_keypoints_cache/[!.]*"):
            file.unlink()
        kills.count(forks.run(load, kills.next(undisturbed)))
        known.unlink()
        forks.run(load)
        require(known.read_text() == expected, "The data after a kill")
    left = sorted(path.name for path in (faces / ".facial_keypoints_cache").iterdir())
    require(len(left) == 1, f"The cache's folder ({', '.join(left)})")
    print(f"{kills.survived} kills of the data cache's writing survived; the data stayed the same.")


def write_many_faces(folder):
    """Writes a table that takes a while to read and to cache: 600 faces."""
    import numpy as np

    from tests import small_data

    images, keypoints = small_data.faces()
    folder.mkdir()
    (folder / "training.csv").write_text(
        small_data.training_csv(np.concatenate([images] * 10), np.concatenate([keypoints] * 10))
    )


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
