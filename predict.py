"""Finds keypoints in picture files, or answers Kaggle's lookup table for the test faces."""

import argparse
import pathlib
import sys

import command_line

_EXAMPLES = """examples:
  python predict.py --preset heatmap_m face.jpg                    without any training
  python predict.py runs/specialists face.jpg                      CSV on the terminal
  python predict.py runs/specialists faces/ --out found.json --draw drawn/
  python predict.py runs/specialists party.jpg --detect --draw drawn/
  python predict.py exports/facial_keypoints face.jpg
  python predict.py runs/specialists --data ~/data/facial-keypoints --submission submission.csv

Coordinates are px of the upright picture; (0, 0) is the centre of its top left pixel.
Exit status: 0; 1 if a picture could not be read and was skipped; 2 for a mistake.
"""


def parse_arguments(argv=None):
    parser = command_line.Parser(
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument(
        "net",
        nargs="?",
        metavar="NET",
        help="run folder of train.py, exported SavedModel, or preset:NAME; left out with --preset",
    )
    parser.add_argument(
        "pictures", nargs="*", metavar="PICTURE", help="files, or folders of them: face crops"
    )
    parser.add_argument("--preset", metavar="NAME", help="a net that comes with the project")
    parser.add_argument(
        "--flip-average",
        action="store_true",
        help="predict each face and its mirror image, and average: twice the work",
    )
    parser.add_argument(
        "--detect", action="store_true", help="pictures are whole photographs: find the faces"
    )
    parser.add_argument(
        "--out", type=pathlib.Path, metavar="FILE", help="write to this .json or .csv file"
    )
    parser.add_argument(
        "--draw",
        type=pathlib.Path,
        metavar="FOLDER",
        help="draw the keypoints: <picture>_keypoints.png",
    )
    parser.add_argument(
        "--submission", type=pathlib.Path, metavar="FILE", help="write a Kaggle submission"
    )
    parser.add_argument(
        "--data",
        help="for --submission: folder or zip with Kaggle's test and IdLookupTable tables\n"
        "(default: the built-in drawn test faces)",
    )
    arguments = parser.parse_intermixed_args(argv)
    if arguments.preset:  # then all that is named are pictures
        arguments.pictures = [arguments.net] * bool(arguments.net) + arguments.pictures
        arguments.net = f"preset:{arguments.preset}"
    check_usage(parser, arguments)
    return arguments


def check_usage(parser, arguments):
    if not arguments.net:
        parser.error("Name a net: a run folder, an exported SavedModel, or --preset NAME.")
    check_nets(parser, arguments)
    if bool(arguments.pictures) == bool(arguments.submission):
        parser.error("Name pictures, or give --submission FILE; one of the two.")
    for option in ("detect", "out", "draw"):
        if arguments.submission and getattr(arguments, option):
            parser.error(f"--{option} is for pictures; leave it out with --submission.")
    if arguments.data and not arguments.submission:
        parser.error("--data is for --submission; leave it out, or add --submission FILE.")
    if arguments.out and arguments.out.suffix.lower() not in (".json", ".csv"):
        parser.error(f"--out must end with .json or .csv. Received: {arguments.out}.")


def check_nets(parser, arguments):
    """Tells a picture in the net's place, and a net among the pictures."""
    from trained_nets.places import holds_net

    further = [picture for picture in arguments.pictures if holds_net(picture)]
    if further:
        parser.error(
            "Name one net: a run folder, an exported SavedModel, or --preset NAME. "
            f"Received: {arguments.net} and {further[0]}."
        )
    alone = not arguments.pictures and not arguments.submission
    if alone and not holds_net(arguments.net):
        parser.error(
            "Name a net before the pictures: a run folder, an exported SavedModel, or --preset "
            f"NAME. Received: {arguments.net}, which is none."
        )


def main(argv=None):
    arguments = parse_arguments(argv)
    command_line.start_quietly()
    from trained_nets.loading import load_net

    if arguments.submission:
        return submit(load_net(arguments.net, arguments.flip_average), arguments)
    return predict_pictures(arguments)


def submit(predictor, arguments):
    """Answers the lookup table."""
    import atomic_write
    import data_pipeline
    from evaluation import submission

    images, image_ids = data_pipeline.load_test(arguments.data)
    lookup = read_lookup(arguments.data, image_ids)
    predicted = predictor.predict(images)
    table = submission.submission(
        lookup, image_ids, predicted, predictor.names, predictor.partial_offset_px
    )
    atomic_write.write_text(arguments.submission, submission.to_csv(table))
    locations = command_line.counted(len(table), "location")
    print(f"Wrote {arguments.submission}: {locations}, clipped to [0, 95] px.")


def read_lookup(data, image_ids):
    """Kaggle's table; of the drawn faces, for which there is none, every coordinate is asked."""
    from data_pipeline import csv_table, kaggle_files
    from evaluation import submission

    if data is None:
        return submission.full_lookup(image_ids)
    table = kaggle_files.find_table(data, "IdLookupTable")
    return csv_table.read_columns(table.read(), str(table), list(submission.LOOKUP_COLUMNS))


def predict_pictures(arguments):
    """Reads, crops, predicts in one batch, maps back, writes; returns the exit status."""
    import pictures
    from trained_nets.loading import load_net

    paths = pictures.find_pictures(arguments.pictures)
    detector = pictures.FaceDetector() if arguments.detect else None
    predictor = load_net(arguments.net, arguments.flip_average)
    crops, unreadable = crop_all(paths, detector)
    if not crops:
        print("predict.py: no picture could be read; wrote nothing", file=sys.stderr)
        return 1
    found = locate(crops, predictor)
    write(found, predictor.names, arguments)
    if arguments.draw:
        draw(found, predictor.names, arguments.draw, paths)
    return 1 if unreadable else 0


def crop_all(paths, detector):
    """The faces of all pictures, 96×96, and how many pictures could not be read.

    Pictures are not kept: a folder of photographs would not fit into memory.
    """
    import pictures

    crops, unreadable = [], 0
    for path in paths:
        try:
            picture = pictures.read_picture(path)
        except pictures.UnreadablePictureError as error:
            print(f"predict.py: skipped: {error}", file=sys.stderr)
            unreadable += 1
            continue
        whole = [(pictures.Box(0, 0, *picture.size), None)]
        boxes = detector.find(picture) if detector else whole
        if not boxes:
            print(f"predict.py: no face found in {path}", file=sys.stderr)
        gray = pictures.to_gray(picture)
        faces = [(box, confidence, pictures.crop(gray, box)) for box, confidence in boxes]
        crops.append((path, picture.size, faces))
    return crops, unreadable


def locate(crops, predictor):
    """Predicts all faces of all pictures at once."""
    import numpy as np

    import keypoint_schema
    import pictures

    size = keypoint_schema.IMAGE_SIZE
    images = [face for _, _, faces in crops for _, _, face in faces]
    images = np.stack(images) if images else np.empty((0, size, size, 1), np.uint8)
    predicted = iter(predictor.predict(images))
    return [
        pictures.PictureFaces(
            path,
            picture_size,
            [
                pictures.Face(box, pictures.to_photograph(next(predicted), box), confidence)
                for box, confidence, _ in faces
            ],
        )
        for path, picture_size, faces in crops
    ]


def write(found, names, arguments):
    """Into the file, by its ending; onto the terminal if there is none to write or draw."""
    import atomic_write
    import pictures

    if arguments.out is None:
        if arguments.draw is None:
            print(pictures.to_csv(found, names), end="")
        return
    convert = pictures.to_json if arguments.out.suffix.lower() == ".json" else pictures.to_csv
    atomic_write.write_text(arguments.out, convert(found, names))
    faces = command_line.counted(sum(len(each.faces) for each in found), "face")
    print(f"Wrote {arguments.out}: {faces}.")


def draw(found, names, folder, inputs):
    """Draws each picture that was read; none of the inputs is overwritten."""
    import io

    import atomic_write
    import pictures

    files = pictures.drawn_files([each.path for each in found], folder, inputs)
    for each, file in zip(found, files, strict=True):
        faces = [(face.box, face.keypoints) for face in each.faces]
        out = io.BytesIO()
        pictures.draw_faces(pictures.read_picture(each.path), faces, names).save(out, "PNG")
        atomic_write.write_bytes(file, out.getvalue())
    print(f"Drew {command_line.counted(len(found), 'picture')} into {folder}.")


if __name__ == "__main__":
    command_line.run(main)
