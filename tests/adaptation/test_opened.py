"""What is opened once stays open, for all threads and for no other process."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from graft.adaptation.opened import Opened


def test_many_threads_open_it_once():
    opened, made, ready = Opened[object](), [], threading.Barrier(8)

    def slowly() -> object:
        made.append(threading.get_ident())
        time.sleep(0.05)
        return object()

    def ask(_: int) -> object:
        ready.wait()
        return opened.get(slowly)

    with ThreadPoolExecutor(8) as pool:
        found = set(map(id, pool.map(ask, range(8))))
    assert len(made) == len(found) == 1


def test_what_could_not_be_opened_is_tried_again():
    opened = Opened[int]()
    with pytest.raises(ZeroDivisionError):
        opened.get(lambda: 1 // 0)
    assert opened.get(lambda: 7) == opened.get(lambda: 8) == 7


def test_a_forked_process_opens_its_own(monkeypatch):
    """Threads of an engine do not survive a fork, and a lock that another thread held stays locked."""
    opened = Opened[int]()
    assert opened.get(lambda: 1) == 1
    opened._lock.acquire()
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert opened.get(lambda: 2) == 2


def test_a_changed_record_does_not_inherit_what_was_opened():
    @dataclass(frozen=True)
    class Record:
        weights: int
        _opened: Opened[int] = field(default_factory=Opened, init=False, repr=False, compare=False)

    record = Record(1)
    assert record._opened.get(lambda: record.weights) == 1
    changed = replace(record, weights=2)
    assert changed._opened.get(lambda: changed.weights) == 2
    assert record == Record(1)
