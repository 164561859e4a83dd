"""Changes a module in random places, and counts the changes that its tests find.

    pip install cosmic-ray
    python -m benchmarks.mutations keypoint_schema.py tests/test_keypoint_schema.py

cosmic-ray makes the mutants: each differs from the module in one place, such as a `+` that became a
`-`. A seeded sample of them is tested, one after another, in a copy of the files that git tracks.
What the tests do not find is shown as a diff: it is a test to write, or a change that changes
nothing.
"""

import contextlib
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import command_line
from errors import UserError

PROGRAM = "python -m benchmarks.mutations"
ROOT = pathlib.Path(__file__).parents[1]
SESSION = "mutants.sqlite"
CONFIG = """
[cosmic-ray]
module-path = {module!r}
timeout = {timeout}
excluded-modules = []
test-command = {command!r}
[cosmic-ray.distributor]
name = "local"
"""


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("module", help="a file, or a folder of them")
    parser.add_argument("tests", nargs="+", help="the fast tests of it")
    number = {"type": command_line.at_least(1), "metavar": "N"}
    parser.add_argument("--sample", help="mutants to test (default: 25)", default=25, **number)
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default: 1)")
    parser.add_argument(
        "--timeout", default=120, help="seconds for the tests of one (default: 120)", **number
    )
    arguments = parser.parse_args(argv)
    for path in (arguments.module, *arguments.tests):
        if not (ROOT / path).exists():
            raise UserError(f"The project has no {path}.")
    for program in ("git", "cosmic-ray"):
        if not shutil.which(program):
            raise UserError(f"{program} is missing. Install it first.")
    if not (ROOT / ".git").exists():
        raise UserError(f"{ROOT} is no git checkout, so what to copy is not known.")
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        copy_tracked_files(folder)
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", *arguments.tests]
        config = CONFIG.format(
            module=arguments.module, timeout=float(arguments.timeout), command=" ".join(command)
        )
        pathlib.Path(folder, "mutants.toml").write_text(config)
        run(command, folder)  # without a mutation, they must pass
        cosmic_ray("init", folder)
        session = pathlib.Path(folder, SESSION)
        made = keep_sample(session, arguments.sample, arguments.seed)
        cosmic_ray("exec", folder)
        report(session, made)


def copy_tracked_files(folder):
    """Copies the files that git tracks, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).exists():
            copy = pathlib.Path(folder, name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy)


def cosmic_ray(command, folder):
    """Runs a command of cosmic-ray on the session in the folder."""
    run(["cosmic-ray", command, "mutants.toml", SESSION], folder)


def run(command, folder):
    """Runs a command in the folder, and requires that it succeeds."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def keep_sample(session, size, seed):
    """Removes all mutants but a sample from a session; returns how many there were."""
    with contextlib.closing(sqlite3.connect(session)) as database, database:
        # Their ids are random, so the sample is drawn from their places.
        mutants = database.execute(
            "SELECT job_id FROM mutation_specs "
            "ORDER BY module_path, start_pos_row, start_pos_col, operator_name, operator_args, "
            "occurrence"
        ).fetchall()
        kept = random.Random(seed).sample(mutants, min(size, len(mutants)))
        for table in ("mutation_specs", "work_items"):
            left_out = ((job,) for (job,) in set(mutants) - set(kept))
            database.executemany(f"DELETE FROM {table} WHERE job_id = ?", left_out)
    return len(mutants)


def report(session, made):
    """Prints the diffs of the mutants that the tests did not find, and their number."""
    with contextlib.closing(sqlite3.connect(session)) as database:
        outcomes = database.execute("SELECT test_outcome, diff FROM work_results").fetchall()
    missed = [diff for outcome, diff in outcomes if outcome == "SURVIVED"]
    for diff in missed:
        print(diff, end="\n\n")
    print(f"Found {len(outcomes) - len(missed)} of {len(outcomes)} mutants, a sample of {made}.")


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
