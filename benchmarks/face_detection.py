"""How many faces are found in photographs, and how well their crops match the training faces'.

    python -m benchmarks.face_detection --data ~/data/faces
    python -m benchmarks.face_detection --data ~/data/faces --export exports/facial_keypoints/1

One face of each person (picture, where it is not known who is in it) is pasted at a known place
into one of scikit-learn's two landscapes. Reported are how many are found, how many boxes hold no
face, how far the crops are from the squares that were pasted, and what is taken for a face in 400
turned and enlarged details of the landscapes alone. Needs the extra `detect`. With --export, it
also asks `serve_photo` of an export, and compares its answers with those of the net's
`serve_uint8` on faces found and cut out in Python.
"""

import io
import time

import numpy as np

import command_line
import tensorflow_start
from benchmarks.pasted_faces import HEIGHT, WIDTH, compose, details, find_squares

PROGRAM = "python -m benchmarks.face_detection"


def main(argv=None):
    parser = command_line.Parser(prog=PROGRAM, description=__doc__)
    parser.add_argument("--data", type=command_line.not_empty, required=True, help="Kaggle's files")
    parser.add_argument(
        "--export", type=command_line.not_empty, help="a version that export.py --photo wrote"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(argv)
    tensorflow_start.start_quietly()
    import data_pipeline
    import pictures

    data = data_pipeline.load_faces(arguments.data)
    photographs = [each[:2] for each in compose(data, arguments.seed)]
    detector = pictures.FaceDetector()
    detector.find(photographs[0][0])  # the first one sets up the graph
    began = time.process_time()
    found = [detector.find(photograph) for photograph, _ in photographs]
    seconds = (time.process_time() - began) / len(photographs)
    report(photographs, found, seconds)
    false_alarms = [face for detail in details(arguments.seed) for face in detector.find(detail)]
    print(f"{len(false_alarms)} false alarms in details of the landscapes alone")
    if arguments.export:
        compare_export(arguments.export, [photograph for photograph, _ in photographs], detector)


def report(photographs, found, seconds):
    """Prints how many faces were found, false alarms, and how the crops differ from the squares."""
    differences, false_alarms = [], 0
    for (_, squares), faces in zip(photographs, found, strict=True):
        matches = [match for match in find_squares(squares, [box for box, _ in faces]) if match]
        differences += [match.difference for match in matches]
        false_alarms += len(faces) - len(matches)
    total = sum(len(squares) for _, squares in photographs)
    print(
        f"{len(differences)} of {total} faces found, {false_alarms} false alarms in {len(found)} "
        f"photographs of {WIDTH}×{HEIGHT}, {seconds:.3f} CPU s each"
    )
    if differences:
        print("crop compared with the pasted square, mean ± spread, as fractions of its side:")
        for name, values in zip(("x", "y", "side"), np.transpose(differences), strict=True):
            print(f"  {name:4} {values.mean():6.3f} ± {values.std():.3f}")


def compare_export(folder, photographs, detector):
    """Prints what `serve_photo` takes, and how far its keypoints are from those found in Python."""
    import types

    import pictures
    from exporting import open_saved_model

    files = [as_png(photograph) for photograph in photographs]
    with open_saved_model(folder) as saved:
        saved.run("serve_photo", image_bytes=files[0])  # the first request sets up the graph
        began = time.process_time()
        answers = [saved.run("serve_photo", image_bytes=file) for file in files]
        seconds = (time.process_time() - began) / len(files)
        net = types.SimpleNamespace(
            names=range(answers[0]["keypoints"].shape[2]),
            predict=lambda faces: saved.run("serve_uint8", images=faces)["keypoints"],
        )
        found = [pictures.find_faces(photograph, net, detector) for photograph in photographs]
    faces = sum(len(each) for each in found)
    print(f"serve_photo: {1000 * seconds:.0f} CPU ms each, of which decoding is a part")
    if [len(each) for each in found] != [int(answer["faces"][0]) for answer in answers]:
        print("it finds other faces than are found in Python")
        return
    differences = [
        np.abs(np.array([face.points for face in each]) - answer["keypoints"][0]).max()
        for each, answer in zip(found, answers, strict=True)
        if each
    ]
    print(f"its keypoints of {faces} faces differ by at most {max(differences):.3f} px")


def as_png(photograph):
    """The file in a batch of one."""
    file = io.BytesIO()
    photograph.save(file, "PNG")
    return np.array([file.getvalue()], object)


if __name__ == "__main__":
    command_line.run(main, PROGRAM)
