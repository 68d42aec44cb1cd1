"""Threads that meet an engine's bindings for the first time at once: they must not wait for each other for ever."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

STARTS = 6  # without the first use in one thread 8 of 12 starts of this program hung
PROGRAM = """
import sys, threading
import numpy as np
from graft.features.openvino import OpenVINOEngine
import openvino

parameter = openvino.opset13.parameter([-1, -1], np.int64)
mean = openvino.opset13.reduce_mean(openvino.opset13.convert(parameter, "f32"), np.array([1]), keep_dims=True)
engine = OpenVINOEngine(openvino.Model([mean], [parameter]), "f32")
sys.setswitchinterval(1e-6)
together = threading.Barrier(4)
found = []


def go():
    together.wait()
    found.append(float(engine.run(np.ones((1, 8), np.int64))[0, 0]))


threads = [threading.Thread(target=go, daemon=True) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert found == [1.0] * 4
"""


def start(_: int) -> int:
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    return subprocess.run([sys.executable, "-c", PROGRAM], timeout=60, env=environment, check=False).returncode


def test_a_first_request_from_four_threads_at_once_ends() -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(start, range(STARTS))) == [0] * STARTS
