from common import joblib, once


def add(p):
    p.add("parallel-empty/joblib", lambda: empty("threading", 20_000))
    p.add("parallel-empty/loky", lambda: empty("loky", 20_000))


def empty(backend, count):
    with joblib.Parallel(n_jobs=2, backend=backend) as parallel:
        parallel(joblib.delayed(nothing)(i) for i in range(100))
        return once(lambda: parallel(joblib.delayed(nothing)(i) for i in range(count))) / count


def nothing(_):
    pass
