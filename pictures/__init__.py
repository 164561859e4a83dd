"""Photographs: read, find and crop faces, carry keypoints back, annotate and record them."""

from pictures.annotated_files import annotated_files
from pictures.annotation import keypoint_color, write_annotated
from pictures.cropping import Box, crop, to_photograph
from pictures.detection import MIN_CONFIDENCE, FaceDetector
from pictures.finder import Finder
from pictures.finding import find_faces
from pictures.listing import find_pictures
from pictures.moving import show_webcam
from pictures.outputs import Outputs
from pictures.reading import UnreadablePictureError, read_picture, to_plain
from pictures.records import Face, PictureFaces, json_record
from pictures.writing import write_keypoints

__all__ = [
    "MIN_CONFIDENCE",
    "Box",
    "Face",
    "FaceDetector",
    "Finder",
    "Outputs",
    "PictureFaces",
    "UnreadablePictureError",
    "annotated_files",
    "crop",
    "find_faces",
    "find_pictures",
    "json_record",
    "keypoint_color",
    "read_picture",
    "show_webcam",
    "to_photograph",
    "to_plain",
    "write_annotated",
    "write_keypoints",
]
