"""What larder is compared with: what people call it, and how it is known whether it is installed."""

NAMES = {
    "numpy": "NumPy", "joblib": "joblib", "loky": "joblib, loky", "multiprocessing": "joblib, multiprocessing",
    "threading": "joblib, threading", "diskcache": "diskcache", "mp-pool": "multiprocessing.Pool", "pickle": "pickle",
    "shared_memory": "shared_memory", "tbb": "oneTBB", "openmp": "OpenMP dynamic,1", "openmp-static": "OpenMP static",
    "std-par": "std::execution::par", "std-async": "std::async", "lmdb": "LMDB", "sqlite": "SQLite", "cereal": "cereal",
    "boost-serialization": "Boost.Serialization",
}

# What comes with another one, or is measured by a program that needs it.
PART_OF = {
    "loky": "joblib", "multiprocessing": "joblib", "threading": "joblib", "openmp-static": "openmp",
    "mp-pool": "numpy", "pickle": "numpy", "shared_memory": "numpy",
}

# Those that the Python program would name, were there a Python with NumPy to run it.
OF_PYTHON = ("numpy", "joblib", "diskcache")


def name_of(who):
    return NAMES.get(who, who)


def must_exist(who):
    """Whether larder_bench always has it: it is no peer."""
    return who.partition("-")[0] in ("larder", "floor")


def is_installed(peer, versions):
    """versions: None for what is not installed; what is not named comes with the compiler or with Python."""
    return versions.get(PART_OF.get(peer, peer), "unknown") is not None
