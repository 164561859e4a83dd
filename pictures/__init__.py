"""Photographs: read, find and crop faces, carry keypoints back, draw and record them."""

from pictures.cropping import Box, crop, to_photograph
from pictures.detection import FaceDetector
from pictures.drawing import draw_faces
from pictures.drawn_files import drawn_files
from pictures.reading import UnreadablePictureError, find_pictures, read_picture, to_gray
from pictures.records import Face, PictureFaces, to_csv, to_json

__all__ = [
    "Box",
    "Face",
    "FaceDetector",
    "PictureFaces",
    "UnreadablePictureError",
    "crop",
    "draw_faces",
    "drawn_files",
    "find_pictures",
    "read_picture",
    "to_csv",
    "to_gray",
    "to_json",
    "to_photograph",
]
