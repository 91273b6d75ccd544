"""The hand-over between two threads."""

import threading

from app.engine_host.outbox import Outbox


def test_the_reader_is_woken_once_for_what_has_gathered() -> None:
    outbox: Outbox[int] = Outbox()
    assert [outbox.put(number) for number in range(3)] == [True, False, False]
    assert outbox.take_all() == [0, 1, 2]
    assert outbox.take_all() == []
    assert outbox.put(3)


def test_nothing_is_lost_or_left_unannounced_between_two_threads() -> None:
    outbox: Outbox[int] = Outbox()
    woken = threading.Semaphore(0)

    def write() -> None:
        for number in range(20_000):
            if outbox.put(number):
                woken.release()

    writer = threading.Thread(target=write)
    writer.start()
    read: list[int] = []
    while len(read) < 20_000:
        assert woken.acquire(timeout=20), "items lie there and nobody was woken"
        read.extend(outbox.take_all())
    writer.join()
    assert read == list(range(20_000))
