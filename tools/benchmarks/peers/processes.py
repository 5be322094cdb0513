import numpy as np

from common import joblib, once, per_call

BACKENDS = ("loky", "multiprocessing")


def add(p):
    pools = {}

    def with_pool(measure, backend):
        """The measurement with a pool that is kept."""
        def run():
            if backend not in pools:
                pools[backend] = joblib.Parallel(n_jobs=2, backend=backend, max_nbytes="1M").__enter__()
                p.at_end(lambda: pools[backend].__exit__(None, None, None))
            pools[backend](joblib.delayed(nothing)(i) for i in range(2))
            return measure(pools[backend])
        return run

    for backend in BACKENDS:
        p.add(f"processes-tasks/{backend}", lambda backend=backend: tasks(20_000, backend=backend))
        p.add(f"processes-single/{backend}", lambda backend=backend: tasks(500, backend=backend, batch_size=1))
        p.add(f"processes-start/{backend}", lambda backend=backend: start(backend))
        p.add(f"processes-call/{backend}", with_pool(call, backend))
        p.add(f"processes-heap/{backend}", with_pool(heap, backend))
        p.add(f"processes-heap-later/{backend}", with_pool(later, backend))
        p.add(f"processes-len/{backend}", with_pool(later, backend))


def tasks(count, **options):
    with joblib.Parallel(n_jobs=2, **options) as pool:
        pool(joblib.delayed(nothing)(i) for i in range(100))
        return once(lambda: pool(joblib.delayed(nothing)(i) for i in range(count))) / count


def start(backend):
    def work():
        with joblib.Parallel(n_jobs=2, backend=backend) as pool:
            pool(joblib.delayed(nothing)(i) for i in range(2))
    if backend == "loky":
        from joblib.externals.loky import get_reusable_executor
        get_reusable_executor().shutdown(wait=True)
    return once(work)


def call(pool):
    return per_call(lambda: pool(joblib.delayed(nothing)(i) for i in range(2)))


def pass_array(pool, array):
    return once(lambda: pool(joblib.delayed(len)(a) for a in (array, array)))


def heap(pool):
    return pass_array(pool, np.full(10_000_000, 1.5))


def later(pool):
    array = np.full(10_000_000, 1.5)
    pass_array(pool, array)
    return pass_array(pool, array)


def nothing(_):
    pass
