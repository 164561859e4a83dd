"""What other folders use of the pipeline, as `data_pipeline.NAME`."""

from data_pipeline.augmentation import augment
from data_pipeline.batches import (
    Share,
    evaluation_batches,
    mirror_offset_table,
    steps_per_epoch,
    training_batches,
)
from data_pipeline.content_fingerprint import explain_mismatch
from data_pipeline.face_data import FaceData, join
from data_pipeline.flips import flip_half
from data_pipeline.label_summary import summary_table
from data_pipeline.loading import load_faces, load_test
from data_pipeline.lookup_table import load_lookup
from data_pipeline.shard_writer import ShardWriter
from data_pipeline.splits import HOLD_OUT, folds, split, split_digest, without_pictures_of

__all__ = [
    "HOLD_OUT",
    "FaceData",
    "ShardWriter",
    "Share",
    "augment",
    "evaluation_batches",
    "explain_mismatch",
    "flip_half",
    "folds",
    "join",
    "load_faces",
    "load_lookup",
    "load_test",
    "mirror_offset_table",
    "split",
    "split_digest",
    "steps_per_epoch",
    "summary_table",
    "training_batches",
    "without_pictures_of",
]
