"""Random bytes: each is given once, whoever asks."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor

from timeline.eventstore.randomness import PAGE_BYTES, Randomness


def test_no_bytes_are_given_twice() -> None:
    """Across pages, and from several threads at once."""
    draw = Randomness()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: draw(32), range(PAGE_BYTES // 8)))

    assert {len(each) for each in found} == {32}
    assert len(set(found)) == len(found)


def test_more_than_a_page_is_given_too() -> None:
    """However much is asked for."""
    assert len(Randomness()(PAGE_BYTES + 1)) == PAGE_BYTES + 1


def test_a_forked_process_draws_a_page_of_its_own() -> None:
    """What the parent had left is never given by both."""
    draw = Randomness()
    draw(1)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=lambda: theirs.send(draw(32)))

    child.start()
    found = ours.recv()
    child.join(10)

    assert found != draw(32)
