"""The photograph's HTML: marks at the right places, in the right colours, and nothing else."""

import base64
import html.parser
import io
import re

import numpy as np
import pytest
from PIL import Image

import pictures
from demo.overlay import message_html, photograph_html


class Tags(html.parser.HTMLParser):
    """The tags of a text, as `(tag, attributes)`."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, name):
        return [
            attributes
            for _, attributes in self.found
            if name in (attributes.get("class") or "").split()
        ]


def face(box, **keypoints):
    names, points = tuple(keypoints), np.array(list(keypoints.values()), float).reshape(-1, 2)
    return pictures.Face(pictures.Box(*box), names, points, 0.99)


def styles(attributes):
    return dict(each.split(":") for each in attributes["style"].split(";"))


def test_a_point_lies_where_its_pixel_is_shown():
    picture = Image.new("L", (200, 100))
    (point,) = Tags(photograph_html(picture, [face((0, 0, 90, 90), nose_tip=(49.5, 24.5))])).of(
        "point"
    )
    style = styles(point)
    # 49.5 is 50 px from the edge of the picture: pixels are counted from their centres.
    assert (style["left"], style["top"]) == ("25.000%", "25.000%")
    assert style["--diameter"] == "1.000%"  # 2 · 90 / 90 of 200 px
    assert point["aria-label"] == "nose tip"


def test_a_box_covers_its_part_of_the_photograph():
    picture = Image.new("L", (200, 100))
    (box,) = Tags(photograph_html(picture, [face((20, 10, 50, 40))])).of("face")
    expected = {"left": "10.000%", "top": "10.000%", "width": "25.000%", "height": "40.000%"}
    assert styles(box) == expected


def test_a_crop_of_one_face_gets_no_box():
    picture = Image.new("L", (96, 96))
    tags = Tags(photograph_html(picture, [face((0, 0, 96, 96), nose_tip=(1, 1))]))
    assert tags.of("face") == []
    assert len(tags.of("point")) == 1


@pytest.mark.parametrize(
    ("name", "color"),
    [
        ("left_eye_center", "rgb(230,159,0)"),
        ("mouth_right_corner", "rgb(86,180,233)"),
        ("mouth_center_top_lip", "rgb(255,255,255)"),
    ],
)
def test_colours_are_those_of_annotated_copies(name, color):
    picture = Image.new("RGB", (100, 100))
    (point,) = Tags(photograph_html(picture, [face((0, 0, 9, 9), **{name: (5, 5)})])).of("point")
    assert styles(point)["--color"] == color


def test_names_near_an_edge_unfold_towards_the_middle():
    picture = Image.new("L", (100, 100))
    places = {"left_eye_center": (90, 50), "right_eye_center": (10, 50), "nose_tip": (50, 5)}
    points = Tags(photograph_html(picture, [face((0, 0, 9, 9), **places)])).of("point")
    classes = {point["aria-label"]: point["class"] for point in points}
    assert classes == {
        "left eye center": "point from-right",
        "right eye center": "point from-left",
        "nose tip": "point below",
    }


def test_a_large_photograph_is_shown_smaller_with_the_same_marks():
    picture = Image.new("RGB", (4000, 2000), (200, 10, 10))
    shown = photograph_html(picture, [face((0, 0, 90, 90), nose_tip=(1999.5, 999.5))])
    content = base64.b64decode(re.search(r'base64,([^"]+)"', shown)[1])
    assert Image.open(io.BytesIO(content)).size == (1600, 800)
    (point,) = Tags(shown).of("point")
    assert styles(point)["left"] == styles(point)["top"] == "50.000%"
    assert picture.size == (4000, 2000)


def test_a_photograph_without_faces_says_so():
    assert "No face was found" in photograph_html(Image.new("L", (9, 9)), [])
    several = photograph_html(Image.new("L", (9, 9)), [face((0, 0, 3, 3)), face((4, 4, 3, 3))])
    assert "2 faces" in several


def test_messages_show_any_text_as_text():
    shown = message_html('<img src=x onerror="alert(1)"> & {{7*7}}')
    assert Tags(shown).found == [("p", {"class": "message", "role": "alert"})]
    assert "&lt;img src=x onerror=&quot;alert(1)&quot;&gt; &amp; {{7*7}}" in shown
