"""Photographs: read, find and crop faces, carry keypoints back, annotate and record them."""

from pictures.annotated_files import annotated_files
from pictures.annotation import annotated, write_annotated
from pictures.cropping import Box, crop, to_photograph
from pictures.detection import DetectedFace, FaceDetector
from pictures.finding import Outputs, find_keypoints
from pictures.reading import UnreadablePictureError, find_pictures, read_picture, to_gray
from pictures.records import Face, PictureFaces, to_csv, to_json

__all__ = [
    "Box",
    "DetectedFace",
    "Face",
    "FaceDetector",
    "Outputs",
    "PictureFaces",
    "UnreadablePictureError",
    "annotated",
    "annotated_files",
    "crop",
    "find_keypoints",
    "find_pictures",
    "read_picture",
    "to_csv",
    "to_gray",
    "to_json",
    "to_photograph",
    "write_annotated",
]
