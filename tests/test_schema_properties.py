"""What holds for any coordinates, any set of keypoints and any offset of a mirror."""

import hypothesis
import numpy as np
from hypothesis import strategies
from hypothesis.extra import numpy as arrays

import keypoint_schema
from keypoint_schema import Mirror

PIXELS = strategies.floats(-96, 192, width=32)
KEYPOINTS = arrays.arrays(np.float32, (3, 15, 2), elements=PIXELS | strategies.just(np.nan))
OFFSET_PX = strategies.floats(-3, 3)


@strategies.composite
def mirrors(draw):
    """Names that are closed under mirroring, in any order, and their mirror with an offset."""
    some = draw(strategies.sets(strategies.sampled_from(keypoint_schema.NAMES), min_size=1))
    closed = sorted(some | {keypoint_schema.MIRRORS[name] for name in some})
    names = draw(strategies.permutations(closed))
    offset_px = {}
    for name in names:
        mirror = keypoint_schema.MIRRORS[name]
        x, y = draw(OFFSET_PX), draw(OFFSET_PX) * (mirror != name)
        offset_px |= {name: (x, y), mirror: (x, -y)}
    return names, Mirror.of(names, offset_px)


@hypothesis.given(KEYPOINTS)
def test_pixels_come_back_from_normalized_coordinates(pixels):
    normalized = keypoint_schema.to_normalized(pixels)
    assert normalized.dtype == np.float32
    np.testing.assert_allclose(keypoint_schema.to_pixels(normalized), pixels, atol=2e-5)


@hypothesis.given(KEYPOINTS)
def test_a_negated_coordinate_is_that_of_the_mirrored_picture(pixels):
    mirrored = keypoint_schema.to_pixels(-keypoint_schema.to_normalized(pixels))
    np.testing.assert_allclose(mirrored, 95 - pixels, atol=2e-5)


@hypothesis.given(mirrors(), strategies.data())
def test_mirrored_twice_is_the_identity_with_any_offset(named, data):
    names, mirror = named
    pixels = data.draw(arrays.arrays(np.float32, (2, len(names), 2), elements=PIXELS))
    keypoints = keypoint_schema.to_normalized(pixels)
    np.testing.assert_allclose(mirror(mirror(keypoints)), keypoints, atol=1e-5)


@hypothesis.given(mirrors())
def test_symmetric_labels_plus_the_offset_are_mirrored_onto_themselves(named):
    names, mirror = named
    symmetric = [(0.0 if "left" not in n and "right" not in n else 0.3, 0.1) for n in names]
    symmetric = np.array(symmetric, np.float32) * [[1 - 2 * ("right" in n), 1] for n in names]
    labels = symmetric.astype(np.float32) + mirror.offset
    np.testing.assert_allclose(mirror(labels), labels, atol=1e-5)
