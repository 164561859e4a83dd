"""Damages files in thousands of ways; every command must read them or say what is wrong.

    python -m benchmarks.fuzz_files --mutations 2000 --seed 1

A file that is read is fine, and so is one clear line with exit status 2 that names the file, and
the row and column where there are some. A traceback, a second line, a hang, a crash, a valid file
that is refused, or memory without bound is a finding; then the exit status is 1. Case N of a seed
is always the same: `--only N` repeats it, with its traceback.
"""

import argparse
import collections
import contextlib
import faulthandler
import gc
import io
import json
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import traceback

import numpy as np

import command_line
import tensorflow_start

PROGRAM = "python -m benchmarks.fuzz_files"
CHUNK = 200  # cases a process: what TensorFlow keeps is freed with it
CPU_SECONDS, SECONDS = 60, 900  # a case, after which it counts as a hang
MEGABYTES = 2000  # a case, beyond what earlier cases have used; a 200-megapixel picture takes 600
_LONGEST = 600  # characters of a message


def main(argv=None):
    arguments = _parse_arguments(argv)
    if arguments.chunk:
        return _run_chunk(arguments.seed, range(*arguments.chunk))
    if arguments.only is not None:
        return _run_chunk(arguments.seed, [arguments.only], show=True)
    reports = []
    for report in run_all(arguments.mutations, arguments.seed):
        reports.append(report)
        if report["finding"]:
            case = f"case {report['case']}, {report['file']}, {report['mutation']}"
            print(f"{case}: {report['finding']}", flush=True)
    print(summary(reports))
    return 1 if any(report["finding"] for report in reports) else 0


def _parse_arguments(argv):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    positive = command_line.at_least(1)
    parser.add_argument("--mutations", type=positive, default=2000, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--only", type=int, metavar="CASE", help="run this case alone, in detail")
    parser.add_argument("--chunk", type=int, nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def run_all(mutations: int, seed: int):
    """Yields a report for each case; they run in child processes, one after the other."""
    first = 0
    while first < mutations:
        last = min(first + CHUNK, mutations)
        command = [sys.executable, "-m", "benchmarks.fuzz_files", "--seed", str(seed)]
        with (
            tempfile.TemporaryFile("w+") as errors,
            subprocess.Popen(
                [*command, "--chunk", str(first), str(last)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            ) as child,
        ):
            begun = None
            for line in child.stdout:
                report = json.loads(line)
                begun = report if "finding" not in report else None
                if begun is None:
                    first = report["case"] + 1
                    yield report
            child.wait()
            errors.seek(0)
            if begun is None and first < last:
                raise RuntimeError(f"The child process failed: {errors.read()[-2000:]}")
            if begun:
                told = " ".join(errors.read().split())[-1500:]
                first = begun["case"] + 1
                yield begun | {"status": None, "finding": f"crashed or hung: {told}"}


def summary(reports: list[dict]) -> str:
    """One line for each file, and one for them all."""
    by_file = collections.defaultdict(list)
    for report in reports:
        by_file[report["file"]].append(report)
    lines = []
    for file, cases in sorted({"all files": reports, **by_file}.items()):
        read = sum(case["status"] in (0, None) and not case["finding"] for case in cases)
        found = sum(bool(case["finding"]) for case in cases)
        refused = len(cases) - read - found
        lines.append(f"{file}: {len(cases):,} cases, {read:,} read, {refused:,} refused, {found:,}")
    return "\n".join(f"{line} findings" for line in lines)


def _run_chunk(seed, cases, show=False):
    """Runs cases in this process; prints a line of JSON before and after each."""
    tensorflow_start.start_quietly()
    from benchmarks import fuzz_targets

    faulthandler.register(signal.SIGPROF, chain=True)  # a traceback, then the process ends
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        fuzz_targets.write_files(folder)
        gc.freeze()  # collections after each case take no time then
        for case in cases:
            signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
            faulthandler.dump_traceback_later(SECONDS, exit=True)
            for report in run_case(folder, seed, case, show):
                print(json.dumps(report), flush=True)
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.cancel_dump_traceback_later()


def run_case(folder: pathlib.Path, seed: int, case: int, show: bool = False):
    """Damages one file, runs its command and restores the file.

    Args:
        folder: where `fuzz_targets.write_files` has written.
        seed: with `case`, decides the file and the damage.
        case: the case's number.
        show: prints what the command printed, and a traceback.

    Yields:
        What is about to be tried; then the same with the `status` and the `finding`, "" if none.
    """
    from benchmarks import fuzz_mutations
    from benchmarks.fuzz_targets import TARGETS

    rng = np.random.default_rng([seed, case])
    odds = np.array([target.weight for target in TARGETS])
    target = TARGETS[rng.choice(len(TARGETS), p=odds / odds.sum())]
    file = folder / target.file
    original = file.read_bytes()
    mutation = fuzz_mutations.mutate(target.kind, original, rng)
    about = {"case": case, "file": target.file, "mutation": mutation.name}
    yield about
    file.write_bytes(mutation.content)
    before = _peak_megabytes()
    try:
        status, errors, bug = _call(lambda: target.main(folder), show)
    finally:
        file.write_bytes(original)
        _forget()
    grown = _peak_megabytes() - before
    finding = bug or judge(status, errors, mutation, target)
    if not finding and grown > MEGABYTES:
        finding = f"took {grown:,.0f} MB"
    yield about | {"status": status, "finding": finding, "errors": errors[-_LONGEST:]}


def _call(main, show):
    """The command's exit status, what it wrote on stderr, and its traceback if it has a bug."""
    errors, printed = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(printed):
            command_line.run(lambda argv: main(), "command")
    except SystemExit as stop:
        status, bug = stop.code or 0, ""
    except BaseException as error:
        status, bug = None, _in_short(error)
        if show:
            traceback.print_exception(error, file=sys.stderr)
    if show:
        print(printed.getvalue(), errors.getvalue(), file=sys.stderr)
    return status, errors.getvalue(), bug


def _in_short(error):
    frames = traceback.extract_tb(error.__traceback__)
    root = str(pathlib.Path(__file__).parents[1])
    own = [frame for frame in frames if frame.filename.startswith(root)] or frames
    where = ", ".join(f"{pathlib.Path(each.filename).name}:{each.lineno}" for each in own[-2:])
    return f"{type(error).__name__} at {where}: {str(error)[:200]}"


def judge(status: int, errors: str, mutation, target) -> str:
    """Returns what is wrong with an exit status and what was written on stderr; "" if nothing."""
    from trained_nets import loading  # not before TensorFlow has been started quietly

    lines = errors.splitlines()
    if status == 0:
        if mutation.valid is False:
            return "read, but should have been refused"
        # A run without results can be read all the same.
        is_noisy = any(not line.endswith(loading.UNFINISHED) for line in lines)
        return f"noise on stderr: {errors[:300]}" if is_noisy else ""
    if mutation.valid:
        return f"refused, but should have been read: {errors[:300]}"
    if len(lines) != 1 or len(errors) > _LONGEST:
        return f"status {status}, but not one clear line: {errors[:300]!r}"
    # Status 1: a picture was skipped, or a training went wrong, with weights of a sound form.
    for wanted in filter(None, (target.named, mutation.place) if status == 2 else ()):
        if not re.search(re.escape(wanted).replace("column\\ ", ".*column\\ "), errors):
            return f"the message lacks {wanted!r}: {errors[:300]}"
    return ""


def _peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _forget():
    import keras

    keras.utils.clear_session()


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
