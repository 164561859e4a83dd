"""No picture of up to 8 MB, whatever is in it, costs the server more than 2 s or 300 MB."""

import json
import os
import subprocess
import sys

import pytest

from tests import ROOT
from tests.export_stand_in import with_photo
from tests.exporting.hostile_pictures import hostile_files

# Memory goes back to the system when a picture is done, so that the next one's can be told.
RETURNS_MEMORY = {
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "MALLOC_MMAP_THRESHOLD_": "1000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000",
}
MAX_BYTES, MAX_SECONDS, MAX_MEGABYTES = 8e6, 2.0, 300
REFUSED = {
    "PNG with a million texts": "at most 8192 chunks",
    "PNG with a million pixel chunks": "at most 8192 chunks",
    "PNG with 8 GB of pixels for one": "must not have more compressed pixel data than pixels",
    "JPEG of 10,000 scans": "at most 32 scans",
    "JPEG of a million comments": "fewer than 1024 segments",
    "JPEG of filling alone": "must be a whole JPEG",
    "JPEG in arithmetic coding": "must be a Huffman-coded JPEG",
    "GIF with a comment of one-byte blocks": "fewer than 8192 steps",
    "GIF with a comment of unequal blocks": "fewer than 8192 steps",
    "GIF with a million comments": "fewer than 8192 steps",
    "GIF with pixels in unequal blocks": "fewer than 8192 steps",
    "BMP with its pixels before its start": "pixels follow its header",
    "BMP with its palette after its end": "pixels follow its header",
}


@pytest.fixture(scope="module")
def files():
    return hostile_files()


@pytest.fixture(scope="module", params=["serve_bytes", "serve_photo"])
def costs(request, files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    return measured_costs(files, folder, with_photo(tmp_path_factory), request.param)


def measured_costs(files, folder, saved_model, signature):
    """What each of `{name: file}` costs in a process of its own."""
    for name, file in files.items():
        (folder / name).write_bytes(file)
    command = [sys.executable, "-m", "tests.exporting.measure_pictures"]
    process = subprocess.run(
        [*command, str(saved_model), str(folder), signature],
        cwd=ROOT,
        env={**os.environ, **RETURNS_MEMORY},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr[-2000:]
    return json.loads(process.stdout.splitlines()[-1])


def test_no_picture_takes_more_than_two_seconds_or_300_megabytes(costs):
    require_cheap(costs)


def require_cheap(costs, max_seconds=MAX_SECONDS):
    assert max(cost["size"] for cost in costs.values()) <= MAX_BYTES
    dear = {
        name: cost
        for name, cost in costs.items()
        if cost["seconds"] > max_seconds or cost["megabytes"] > MAX_MEGABYTES
    }
    assert not dear


def test_only_what_would_cost_too_much_is_refused_and_by_its_rule(costs):
    refusals = {name: cost["refusal"] for name, cost in costs.items() if cost["refusal"]}
    assert sorted(refusals) == sorted(REFUSED)
    for name, rule in REFUSED.items():
        assert rule in refusals[name]
