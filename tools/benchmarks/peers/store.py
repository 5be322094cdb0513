import os
import pickle
from multiprocessing.shared_memory import SharedMemory

import numpy as np

from common import once, per_call, remove

PAGE = np.zeros(512)


def add(p):
    place = "tmpfs" if "tmpfs" in p.places else "disk"
    add_pickle(p, place)
    p.add("store-put-small-new/shared_memory", lambda: per_call(lambda: filled(PAGE.size, PAGE).unlink()))
    p.add("store-get-small/shared_memory", get_shared)
    p.add("store-create/shared_memory", lambda: create(p.large_bytes // 8))


def add_pickle(p, place):
    path = p.file(place, "store.pickle")
    small_path = p.file(place, "store-small.pickle")
    arrays = {}

    def dictionary():
        for i in range(len(arrays), 20):
            arrays[f"array{i}"] = np.arange(p.large_bytes // 80, dtype=np.float64) + i
        return arrays

    def put_dictionary():
        value = dictionary()
        remove(path)
        return once(lambda: dump(value, path))

    def get_dictionary():
        if not os.path.exists(path):
            dump(dictionary(), path)
        return once(lambda: load(path))

    def put_new():
        remove(small_path)
        dump(PAGE, small_path)

    p.add("store-put-dict/pickle", put_dictionary)
    p.add("store-get-dict/pickle", get_dictionary)
    p.add("store-put-small/pickle", lambda: per_call(lambda: dump(PAGE, small_path)))
    p.add("store-put-small-new/pickle", lambda: per_call(put_new))
    p.add("store-get-small/pickle", lambda: (put_new(), per_call(lambda: load(small_path)))[1])


def dump(value, to):
    with open(to, "wb") as file:
        pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)


def load(of):
    with open(of, "rb") as file:
        return pickle.load(file)


def shared_array(memory, count):
    return np.ndarray(count, dtype=np.float64, buffer=memory.buf)


def filled(count, value):
    memory = SharedMemory(create=True, size=8 * count)
    shared_array(memory, count)[:] = value
    memory.close()
    return memory


def create(count):
    made = []
    seconds = once(lambda: made.append(filled(count, 1.5)))
    made[0].unlink()
    return seconds


def get_shared():
    made = filled(PAGE.size, PAGE)

    def look():
        memory = SharedMemory(made.name)
        seen = float(shared_array(memory, PAGE.size)[7])
        memory.close()
        return seen

    seconds = per_call(look)
    made.unlink()
    return seconds
