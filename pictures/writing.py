"""What predict.py does with pictures: finds, writes as it goes, shows how far it is."""

import hashlib
import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import command_line
from errors import UserError
from pictures.annotated_files import annotated_files, file_identity
from pictures.cluster import on_cluster
from pictures.finder import Batch, EndedFinderError, Finder, in_this_process
from pictures.moving import write_video
from pictures.outputs import Outputs
from pictures.processes import in_processes
from pictures.progress import progress
from pictures.video import is_video

_LARGE, _OBLONG = 1024, 1.4  # px; longer by shorter side: hardly a crop of one face


def write_keypoints(
    paths: Sequence[pathlib.Path],
    load: Callable[[], Finder],
    outputs: Outputs,
    jobs: int | None = None,
    cluster: str | None = None,
) -> int:
    """Finds the keypoints of all faces in pictures and writes them as they are found.

    Ctrl-C keeps what was found until then, but for the pictures of an unfinished batch or shard.

    Args:
        paths: picture files; or one, of a video.
        load: loads what finds them; as for `in_processes` if others do.
        outputs: where they go.
        jobs: how many processes find them; None for this one alone, or as many as the cluster has
            room for.
        cluster: the address of a Ray cluster whose processes they are.

    Returns:
        The exit status: 1 if a picture could not be read, no face was found in any, or one process
        after the other was killed; 130 after Ctrl-C.

    Raises:
        UserError: if an output cannot be written, or is not one for what is drawn on.
    """
    drawn_into = outputs.annotated
    if any(map(is_video, paths)):
        if len(paths) > 1 or cluster or (jobs or 1) > 1:
            raise UserError("A video is taken alone, by one job. Name one video, or pictures.")
        if drawn_into and drawn_into.suffix.lower() != ".mp4":
            raise UserError(f"The annotated video must end with .mp4. Received: {drawn_into}.")
        if drawn_into and file_identity(drawn_into) == file_identity(paths[0]):
            raise UserError(f"--draw would replace {paths[0]} itself. Name another file.")
        return write_video(paths[0], load(), outputs)
    if drawn_into and is_video(drawn_into):
        raise UserError(f"Annotated pictures go into a folder. Received for --draw: {drawn_into}.")
    ended_by = None
    with _started(load, jobs and min(jobs, len(paths)), cluster) as ready:
        settings = dict(ready.about.settings) | _identity(paths, drawn_into)
        with outputs.opened(len(paths), settings, ready.about.provenance) as writer:
            try:
                _write(paths, ready, writer, drawn_into)
            except (KeyboardInterrupt, EndedFinderError) as error:
                if not (writer.tally.pictures or outputs.is_sharded):
                    raise  # and keep what is in the file from another day
                ended_by = error
    tally = writer.tally
    outputs.report(tally)
    if ended_by:
        is_ctrl_c = isinstance(ended_by, KeyboardInterrupt)
        command_line.warn(
            f"{'interrupted' if is_ctrl_c else f'{ended_by} Ended'} after {tally.pictures:,} of "
            f"{len(paths):,} pictures{'; --resume goes on' * outputs.is_sharded}"
        )
        return 130 if is_ctrl_c else ended_by.status
    if tally.unreadable and len(paths) > 1:
        command_line.warn(f"{tally.unreadable:,} of {len(paths):,} pictures could not be read")
    return 0 if tally.faces and not tally.unreadable else 1


def _started(load, jobs, cluster):
    if cluster:
        return on_cluster(load, cluster, jobs)
    return in_this_process(load) if jobs in (None, 1) else in_processes(load, jobs)


def _write(paths, ready, writer, drawn_into):
    drawings = annotated_files(paths, drawn_into, paths) if drawn_into else ()
    batches = _batches(paths, drawings, writer.ranges, ready.about.batch_size)
    found = itertools.chain.from_iterable(ready.find(batches))
    is_warned = ready.about.settings.get("detect", False)
    with progress(len(paths), "pictures", writer.tally.pictures) as counted:
        for picture in counted(found):
            writer.write(picture)
            if picture.error is not None:
                command_line.warn(f"skipped: {picture.error}")
                continue
            if not picture.faces:
                command_line.warn(f"no face found in {picture.path}")
            if not is_warned and _looks_like_a_photograph(picture.size):
                width, height = picture.size
                command_line.warn(
                    f"{picture.path} is {width}×{height} px and is taken for one face. If it shows "
                    "more than that, add --detect."
                )
                is_warned = True


def _batches(
    paths: Sequence[pathlib.Path],
    drawings: Sequence[pathlib.Path],
    ranges: Iterable[range],
    size: int,
) -> Iterator[Batch]:
    for positions in ranges:
        for start in range(positions.start, positions.stop, size):
            some = slice(start, min(start + size, positions.stop))
            yield Batch(paths[some], drawings[some])


def _identity(paths, drawn_into):
    """Returns what tells one command from another: its pictures, and where they are drawn.

    A picture that an earlier command has found is not drawn any more.
    """
    digest = hashlib.sha256()
    for path in paths:
        digest.update(os.fsencode(path) + b"\0")
    place = command_line.writable(str(drawn_into)) if drawn_into else None
    return {"pictures": len(paths), "paths": digest.hexdigest(), "--draw": place}


def _looks_like_a_photograph(size):
    shorter, longer = sorted(size)
    return shorter >= _LARGE or longer >= _OBLONG * shorter
