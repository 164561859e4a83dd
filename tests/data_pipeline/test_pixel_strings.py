"""Pixel strings in Kaggle's usual form, which have a parser of their own, and in others."""

import numpy as np
import pytest

from data_pipeline import pixel_strings
from errors import UserError

VALUES = np.random.default_rng(2014).integers(0, 256, 96 * 96)
# All numbers of a digit, two or three, at the string's ends and side by side.
VALUES[:256], VALUES[-256:] = np.arange(256), np.arange(255, -1, -1)


def written(**changes):
    """The values as text, except for some by their index, such as `_5="x"`."""
    texts = [str(value) for value in VALUES]
    for index, text in changes.items():
        texts[int(index[1:])] = text
    return texts


def parse(text):
    return pixel_strings.parse_pixels([text], lambda row: f"row {row}").reshape(-1)


def test_the_usual_form_is_parsed_as_any_other():
    text = " ".join(written())
    usual = pixel_strings._usual_numbers(text)
    np.testing.assert_array_equal(usual, VALUES)
    np.testing.assert_array_equal(usual, pixel_strings._numbers(text))
    np.testing.assert_array_equal(parse(text), VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "  ".join(written()),
        "\t".join(written()),
        " ".join(written()) + " ",
        " " + " ".join(written()),
        " ".join(written(_9="0009")),
        " ".join(written(_9="+9")),
        " ".join(written(_9215="000000")),
    ],
)
def test_other_forms_give_the_same(text):
    assert pixel_strings._usual_numbers(text) is None
    np.testing.assert_array_equal(parse(text), VALUES)


def test_leading_zeros_change_nothing():
    np.testing.assert_array_equal(parse(" ".join(written(_0="000", _9="09"))), VALUES)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (" ".join(written(_9="256")), "256"),
        (" ".join(written(_9="999")), "999"),
        (" ".join(written(_9="-9")), "-9"),
        (" ".join(written(_9="9.5")), "9.5"),
        (" ".join(written(_9="a")), "text among the numbers ('a')"),
        (" ".join(written(_9="٩")), "text among the numbers ('٩')"),
        (" ".join(written(_9="\udcff")), "text among the numbers"),
        (" ".join(written()[:-1]), "9,215 values"),
        (" ".join(written(_9="9 9")), "9,217 values"),
        ("", "nothing"),
    ],
)
def test_what_is_wrong_is_told(text, what):
    with pytest.raises(UserError) as told:
        parse(text)
    assert f"row 0: {what}" in str(told.value)
