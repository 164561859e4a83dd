"""What is told of any error."""

import pytest

from errors import first_line


@pytest.mark.parametrize(
    ("text", "line"),
    [("It is full.\nAt fault: a.c", "It is full."), ("\n It is full.", "It is full.")],
)
def test_the_first_line_of_an_error_is_told(text, line):
    assert first_line(OSError(text)) == line


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_error_without_text_is_told_by_its_type(text):
    assert first_line(TypeError(text)) == "TypeError"
