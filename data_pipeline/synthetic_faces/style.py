"""The random choices behind each drawn face: pose, build, hair, light, camera.

Lengths are in head units: 1 = half the width of an average face, about 70 mm. In the head's frame
x goes to the right of the picture (the person's left), y down, z towards the viewer, and (0, 0, 0)
is inside the head at the height of the eyes.
"""

import types

import numpy as np

# name: ("normal", mean, standard deviation, furthest deviation), ("uniform", low, high) or
# ("chance", probability), which gives 0 or 1.
_CHOICES = {
    # pose, degrees; camera distance in head units
    "yaw": ("normal", 0, 13, 30),
    "pitch": ("normal", 0, 7.5, 18),
    "roll": ("normal", 0, 6, 18),
    "distance": ("uniform", 5, 14),
    # the crop, as a face detector leaves it
    "zoom": ("normal", 1, 0.075, 0.18),
    "shift_x": ("normal", 0, 2.5, 6),
    "shift_y": ("normal", 0, 2.8, 6),
    # build of the head
    "width": ("normal", 1.0, 0.05, 0.12),
    "taper": ("uniform", 0.04, 0.28),
    "depth": ("normal", 1.12, 0.06, 0.15),
    "lower_face": ("normal", 1, 0.04, 0.1),
    "relief": ("uniform", 0.7, 1.25),
    # eyes
    "eye_x": ("normal", 0.445, 0.022, 0.05),
    "eye_half": ("normal", 0.195, 0.014, 0.03),
    "eye_tilt": ("normal", -0.06, 0.08, 0.18),
    "eye_open": ("uniform", 0.045, 0.125),
    "eye_closed": ("chance", 0.06),
    "eye_left_lift": ("normal", 0, 0.012, 0.03),
    "eye_left_open": ("normal", 1, 0.08, 0.2),
    "lower_lid": ("uniform", 0.35, 0.75),
    "gaze_x": ("normal", 0, 0.04, 0.085),
    "gaze_y": ("normal", 0, 0.018, 0.04),
    "iris_radius": ("uniform", 0.08, 0.095),
    "iris_gray": ("uniform", 0.02, 0.32),
    "sclera": ("uniform", 0.5, 0.95),
    "lashes": ("uniform", 0.25, 0.95),
    "crease": ("uniform", 0.0, 0.5),
    "crease_gap": ("uniform", 0.045, 0.1),
    "bags": ("uniform", 0.0, 0.35),
    "socket": ("uniform", 0.05, 0.4),
    # eyebrows
    "brow_inner_x": ("normal", 0.21, 0.03, 0.07),
    "brow_outer_x": ("normal", 0.78, 0.03, 0.07),
    "brow_inner_y": ("normal", -0.23, 0.045, 0.1),
    "brow_slope": ("normal", 0.03, 0.06, 0.13),
    "brow_arch": ("uniform", 0.0, 0.1),
    "brow_left_lift": ("normal", 0, 0.02, 0.05),
    "brow_half": ("uniform", 0.03, 0.075),
    "brow_strength": ("uniform", 0.3, 0.95),
    "frown": ("uniform", -0.5, 0.5),
    # nose
    "nose_y": ("normal", 0.55, 0.04, 0.09),
    "nose_x": ("normal", 0, 0.012, 0.03),  # not used; without it every face would change
    "nose_height": ("uniform", 0.2, 0.33),
    "nose_width": ("uniform", 0.85, 1.3),
    "bridge": ("uniform", 0.5, 1.1),
    "nostrils": ("uniform", 0.25, 0.85),
    # mouth
    "mouth_x": ("normal", 0, 0.015, 0.04),
    "mouth_y": ("normal", 0.93, 0.035, 0.08),
    "mouth_half": ("normal", 0.37, 0.035, 0.08),
    "mouth_tilt": ("normal", 0, 0.03, 0.08),
    "smile": ("normal", 0.03, 0.035, 0.09),
    "open_chance": ("chance", 0.45),
    "opening": ("uniform", 0.02, 0.2),
    "upper_lip": ("uniform", 0.05, 0.12),
    "lower_lip": ("uniform", 0.06, 0.12),
    "cupid": ("uniform", 0.05, 0.35),
    "lip_gray": ("uniform", 0.5, 0.98),
    "lip_gloss": ("uniform", 0.0, 0.3),
    "seam": ("uniform", 0.35, 0.9),
    "teeth": ("uniform", 0.0, 1.0),
    # skin
    "skin": ("uniform", 0.36, 0.8),
    "skin_texture": ("uniform", 0.01, 0.06),
    "fold": ("uniform", 0.0, 0.35),
    "wrinkles": ("normal", -0.05, 0.12, 0.35),
    "shine": ("uniform", 0.0, 0.35),
    # hair
    "bald": ("chance", 0.08),
    "long_hair": ("chance", 0.35),
    "hair_gray": ("uniform", 0.02, 0.2),
    "fair_hair": ("chance", 0.3),
    "fair_gray": ("uniform", 0.2, 0.85),
    "hairline": ("uniform", 0.62, 1.15),
    "hairline_curve": ("uniform", 0.1, 0.6),
    "hair_side": ("uniform", 0.74, 0.95),
    "parting": ("normal", 0, 0.25, 0.5),
    "fringe": ("chance", 0.15),
    "hair_volume": ("uniform", 0.02, 0.28),
    "hair_texture": ("uniform", 0.1, 0.5),
    "beard": ("chance", 0.22),
    "beard_strength": ("uniform", 0.15, 0.9),
    "goatee": ("chance", 0.35),
    "moustache": ("chance", 0.12),
    # things worn or held
    "glasses": ("chance", 0.16),
    "glasses_gray": ("uniform", 0.02, 0.5),
    "glasses_frame": ("uniform", 0.008, 0.03),
    "glasses_width": ("uniform", 0.25, 0.31),
    "glasses_height": ("uniform", 0.14, 0.24),
    "tinted": ("chance", 0.2),
    "glare": ("uniform", 0, 0.5),
    "hat": ("chance", 0.06),
    "occluder": ("chance", 0.1),
    "occluder_angle": ("uniform", -0.6, 3.74),
    "occluder_reach": ("uniform", 34, 56),
    "occluder_size": ("uniform", 8, 20),
    "occluder_gray": ("uniform", 0.02, 0.9),
    # light
    "light_x": ("normal", 0, 0.7, 1.8),
    "light_y": ("normal", -0.55, 0.4, 1.0),
    "ambient": ("uniform", 0.35, 0.8),
    "shadow": ("chance", 0.12),
    "shadow_angle": ("uniform", -3.14, 3.14),
    "shadow_depth": ("uniform", 0.25, 0.6),
    # background and clothes
    "back_gray": ("uniform", 0.01, 0.6),
    "back_texture": ("uniform", 0.02, 0.6),
    "back_edge": ("uniform", -60, 150),
    "back_edge_angle": ("normal", 0, 0.25, 0.8),
    "back_edge_gray": ("uniform", 0.03, 0.9),
    "bars": ("normal", 0, 0.35, 0.9),
    "bars_x": ("normal", 0, 0.15, 0.6),
    "bars_y": ("normal", 0, 0.15, 0.6),
    "cloth_gray": ("uniform", 0.02, 0.9),
    # camera
    "blur": ("uniform", 0.35, 1.5),
    "motion": ("normal", 0, 0.45, 1.2),
    "noise": ("uniform", 0.3, 3),
    "gain": ("normal", 1.17, 0.16, 0.4),
    "lift": ("normal", 2, 9, 22),
    "gamma": ("normal", 0.92, 0.14, 0.35),
}
NOISE_CELLS = 24  # sides of the coarse noise fields, cells
NUM_NOISES = 4


def choose_styles(seed, first, count):
    """Draws the choices for faces `first` to `first + count - 1`.

    Each face has a generator of its own, so that it depends on (seed, index) alone.

    Returns:
        A namespace: float32 `(count, 1, 1)` for each choice; `coarse`, standard normal float32
        `(NUM_NOISES, count, NOISE_CELLS, NOISE_CELLS)`; and `rngs`, the faces' generators, from
        which the camera draws its noise.
    """
    rngs = [np.random.default_rng([seed, index]) for index in range(first, first + count)]
    uniform = np.stack([rng.random(len(_CHOICES)) for rng in rngs])
    normal = np.stack([rng.standard_normal(len(_CHOICES)) for rng in rngs])
    styles = types.SimpleNamespace(rngs=rngs)
    for column, (name, (kind, *numbers)) in enumerate(_CHOICES.items()):
        if kind == "normal":
            mean, deviation, furthest = numbers
            values = mean + np.clip(deviation * normal[:, column], -furthest, furthest)
        elif kind == "uniform":
            low, high = numbers
            values = low + (high - low) * uniform[:, column]
        else:
            values = uniform[:, column] < numbers[0]
        setattr(styles, name, values.astype(np.float32)[:, None, None])
    shape = (NUM_NOISES, NOISE_CELLS, NOISE_CELLS)
    coarse = np.stack([rng.standard_normal(shape, np.float32) for rng in rngs])
    styles.coarse = coarse.transpose(1, 0, 2, 3)
    _agree(styles)
    return styles


def _agree(styles):
    """Makes choices fit each other: closed eyes, shut mouths, bald heads."""
    styles.eye_open = styles.eye_open * (1 - 0.9 * styles.eye_closed)
    styles.opening = styles.opening * styles.open_chance
    # A mouth that opens draws its corners together and its lips thin.
    styles.mouth_half = styles.mouth_half + 0.5 * styles.smile - 0.15 * styles.opening
    styles.brow_inner_y = styles.brow_inner_y - 0.2 * styles.opening
    styles.hair = np.where(styles.fair_hair > 0, styles.fair_gray, styles.hair_gray)
    styles.long_hair = styles.long_hair * (1 - styles.bald)
    styles.hairline = np.where(styles.bald > 0, 9, styles.hairline)
    styles.hairline = styles.hairline - 0.3 * styles.fringe * (1 - styles.bald)
    styles.beard = styles.beard * (1 - styles.long_hair)
    styles.moustache = styles.moustache * (1 - styles.long_hair)
