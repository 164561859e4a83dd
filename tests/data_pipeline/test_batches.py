import itertools

import numpy as np
import pytest
import tensorflow as tf

from data_pipeline import (
    FaceData,
    Share,
    augment,
    evaluation_batches,
    flip_half,
    steps_per_epoch,
    training_batches,
)

BATCH_SIZE = 4


def numbered_faces(count=10):
    images = np.zeros((count, 96, 96, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    keypoints = np.full((count, 15, 2), 47.5, np.float32)
    return FaceData(images, keypoints, groups=np.arange(count))


def epochs(dataset, data, count):
    steps = steps_per_epoch(data, BATCH_SIZE)
    batches = [(x.numpy(), y.numpy()) for x, y in itertools.islice(dataset, steps * count)]
    return [batches[i * steps : (i + 1) * steps] for i in range(count)]


def numbers(epoch):
    return [batch[0][:, 0, 0, 0].tolist() for batch in epoch]


def test_each_epoch_has_every_face_once_in_another_order():
    data = numbered_faces()
    first, second = epochs(training_batches(data, BATCH_SIZE, seed=1), data, 2)
    assert [len(batch) for batch in numbers(first)] == [4, 4, 2]
    assert sorted(sum(numbers(first), [])) == list(range(10))
    assert sorted(sum(numbers(second), [])) == list(range(10))
    assert numbers(first) != numbers(second)


def test_training_can_begin_at_any_epoch():
    data = numbered_faces()
    whole = epochs(training_batches(data, BATCH_SIZE, 1, flip_half), data, 4)
    late = epochs(training_batches(data, BATCH_SIZE, 1, flip_half, first_epoch=2), data, 2)
    for expected, received in zip(sum(whole[2:], []), sum(late, []), strict=True):
        np.testing.assert_array_equal(received[0], expected[0])
        np.testing.assert_array_equal(received[1], expected[1])


def test_the_seed_decides_order_and_flips():
    data = numbered_faces()
    one, again, other = (
        numbers(epochs(training_batches(data, BATCH_SIZE, seed), data, 1)[0]) for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_each_batch_of_each_epoch_is_augmented_with_a_seed_of_its_own():
    def seeds(seed):
        def tell(images, keypoints, own_seed, mirror):
            return images, tf.cast(own_seed, tf.float32) + tf.zeros_like(keypoints)

        batches = itertools.islice(training_batches(numbered_faces(), BATCH_SIZE, seed, tell), 6)
        return [tuple(keypoints.numpy()[0, 0]) for _, keypoints in batches]  # of two epochs

    one, other = seeds(1), seeds(2)
    assert len({*one, *other}) == 12
    assert seeds(1) == one


def test_keypoints_come_normalized():
    data = numbered_faces()
    images, keypoints = next(iter(training_batches(data, BATCH_SIZE, seed=1)))
    assert images.dtype == "uint8"
    assert not keypoints.numpy().any()


def test_evaluation_keeps_every_face_in_order():
    data = numbered_faces()
    batches = [x.numpy()[:, 0, 0, 0].tolist() for x, _ in evaluation_batches(data, BATCH_SIZE)]
    assert batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_no_thread_tunes_what_it_could_delay_the_end_of():
    data = numbered_faces()
    for batches in (training_batches(data, BATCH_SIZE, seed=1), evaluation_batches(data, 4)):
        assert batches.options().autotune.enabled is False


@pytest.mark.parametrize("processes", [1, 2])
def test_the_shares_of_processes_make_up_each_batch(processes):
    data = numbered_faces()
    shares = [Share(6, each, processes) for each in range(processes)]
    for make in (
        lambda share: evaluation_batches(data, BATCH_SIZE, share),
        lambda share: training_batches(data, BATCH_SIZE, 1, augment, share=share).take(6),
    ):
        whole = list(make(Share()))
        for expected, *parts in zip(whole, *map(make, shares), strict=True):
            images, keypoints = (np.concatenate(each) for each in zip(*parts, strict=True))
            assert len(images) == len(keypoints) == 6
            faces = len(expected[0])
            np.testing.assert_array_equal(images[:faces], expected[0])
            np.testing.assert_array_equal(keypoints[:faces], expected[1])
            assert not images[faces:].any()
            assert np.isnan(keypoints[faces:]).all()
