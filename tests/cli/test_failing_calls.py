"""What larder does where system calls fail or are cut short, and where it is killed between two of them."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np

from larder_file import read_container

DRIVER = Path(os.environ["FAILING_CALLS_DRIVER"])
LIBRARY = Path(os.environ["FAILING_CALLS"])
NAMELESS_REFUSED = "tmpfile:EOPNOTSUPP"
TEMPORARY = re.compile(r"\..+\.larder-.+")
ENTRY = re.compile(r"ramp/v-1/[0-9a-f]{2}/[0-9a-f]{30}")
LARGE = 300_000  # numbers: 2.4 MB, where space is asked for before it is written to
CHUNKS = 2_000_000  # numbers: 16 MB, which several threads write
KILLED = -9


def files_in(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir())


class FailingCalls(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name)
        self.work = self.root / "work"
        self.work.mkdir()
        self.failed = []

    def run_driver(self, faults, *steps):
        """Runs the driver in self.work while `faults` come to bear; which of them did is in self.failed."""
        log = self.root / "failed"
        log.unlink(missing_ok=True)
        environment = {**os.environ, "LC_ALL": "C"}
        for name in "FAILING_CALLS", "FAILED_CALLS":
            environment.pop(name, None)
        if faults:
            environment |= {"LD_PRELOAD": str(LIBRARY), "FAILING_CALLS": faults, "FAILED_CALLS": str(log)}
        result = subprocess.run([DRIVER, *map(str, steps)], capture_output=True, text=True, cwd=self.work,
                                env=environment)
        self.failed = log.read_text().splitlines() if log.exists() else []
        return result

    def succeed(self, faults, *steps):
        """The lines that the driver prints; it warns of nothing, and each of the faults came to bear."""
        result = self.run_driver(faults, *steps)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assert_failed(faults)
        return result.stdout.splitlines()

    def refuse(self, faults, *steps):
        """The driver's one line of complaint."""
        result = self.run_driver(faults, *steps)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assert_failed(faults)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        return result.stderr

    def warned(self, faults, *steps):
        """The lines that the driver prints, beside one warning; and the warning."""
        result = self.run_driver(faults, *steps)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assert_failed(faults)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertTrue(result.stderr.startswith("larder: warning: "), result.stderr)
        return result.stdout.splitlines(), result.stderr

    def assert_failed(self, faults):
        """A fault that never comes to bear would prove nothing."""
        for rule in faults.split():
            call, fault = re.match(r"(\w+):(\w+)", rule).groups()
            self.assertIn(f"{call} {fault}", self.failed)

    def assert_holds(self, name, count):
        array, metadata = read_container(self.work / name)
        np.testing.assert_array_equal(array, np.arange(float(count)))
        return metadata

    def assert_sound_cache(self, name="cache", leftovers=False):
        """Every entry is whole, and nothing lies there that does not belong there; the number of entries."""
        entries = 0
        for path in files_in(self.work / name):
            if ENTRY.fullmatch(path):
                array, metadata = read_container(self.work / name / path)
                np.testing.assert_array_equal(array, np.arange(float(len(array))))
                self.assertEqual(metadata["function"], "ramp")
                self.assertEqual((self.work / name / path).stat().st_mode & 0o7777, 0o444)
                entries += 1
            elif not (leftovers and TEMPORARY.fullmatch(Path(path).name)):
                self.assertIn(path, (".gitignore", ".larder-lock", "CACHEDIR.TAG"))
        return entries


class WithoutNamelessFiles(FailingCalls):
    """File systems without O_TMPFILE: what is written has a temporary name until it is whole."""

    def test_everything_works(self):
        for fault in "EOPNOTSUPP", "EINVAL":
            steps = ["dump", "a.npy", 5, "dump", "a.npy", LARGE, "durable", "d.npy", 6, "create", "c.npy", 7]
            self.succeed(f"tmpfile:{fault}", *steps)
            self.assertEqual(files_in(self.work), ["a.npy", "c.npy", "d.npy"])
            self.assert_holds("a.npy", LARGE)
            self.assert_holds("d.npy", 6)
            self.assert_holds("c.npy", 7)

    def test_files_are_byte_for_byte_the_same(self):
        self.succeed("", "dump", "a.npy", 50)
        self.succeed(NAMELESS_REFUSED, "dump", "b.npy", 50)
        self.assertEqual((self.work / "a.npy").read_bytes(), (self.work / "b.npy").read_bytes())

    def test_calls_are_cached(self):
        self.assertEqual(self.succeed(NAMELESS_REFUSED, "call", "cache", 1, 5),
                         [f"computed {n}" for n in range(1, 6)])
        self.assertEqual(self.succeed("", "call", "cache", 1, 5), [f"hit {n}" for n in range(1, 6)])
        self.assertEqual(self.assert_sound_cache(), 5)
        self.assertEqual(files_in(self.work / "cache")[:3], [".gitignore", ".larder-lock", "CACHEDIR.TAG"])

    def test_the_temporary_name_says_whose_it_is(self):
        self.assertEqual(self.run_driver(f"{NAMELESS_REFUSED} rename:kill", "dump", "a.npy", 5).returncode, KILLED)
        [name] = files_in(self.work)
        self.assertRegex(name, r"\A\.a\.npy\.larder-[0-9a-f]{16}\Z")

    def test_the_temporary_file_is_removed_on_failure(self):
        for fault in "pwrite:ENOSPC", "pwrite:ENOSPC>200", "rename:EIO", "rename:EPERM":
            self.refuse(f"{NAMELESS_REFUSED} {fault}", "dump", "a.npy", 500)
            self.assertEqual(files_in(self.work), [])
        self.refuse(f"{NAMELESS_REFUSED} posix_fallocate:ENOSPC", "create", "a.npy", 500)
        self.refuse(f"{NAMELESS_REFUSED} fsync:EIO", "durable", "a.npy", 500)
        self.assertEqual(files_in(self.work), [])

    def test_the_old_file_stays_until_the_new_one_is_whole(self):
        self.succeed("", "dump", "a.npy", 5)
        for fault in "pwrite:ENOSPC", "pwrite:ENOSPC>200", "rename:EIO":
            self.refuse(f"{NAMELESS_REFUSED} {fault}", "dump", "a.npy", 500)
            self.assertEqual(files_in(self.work), ["a.npy"])
            self.assert_holds("a.npy", 5)

    def test_nor_hard_links(self):
        faults = f"{NAMELESS_REFUSED} link:EPERM linkat:EPERM"
        result = self.run_driver(faults, "dump", "a.npy", 5, "dump", "a.npy", 6, "create", "c.npy", 7)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(files_in(self.work), ["a.npy", "c.npy"])
        self.assert_holds("a.npy", 6)
        result = self.run_driver(faults, "call", "cache", 1, 2, "call", "cache", 1, 2)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertEqual(result.stdout.splitlines(), ["computed 1", "computed 2", "hit 1", "hit 2"])
        self.assertEqual(self.assert_sound_cache(), 2)

    def test_no_name_can_be_made(self):
        self.assertIn("a.npy", self.refuse(f"{NAMELESS_REFUSED} create:EACCES", "dump", "a.npy", 5))
        self.assertEqual(files_in(self.work), [])


class Refusals(FailingCalls):
    """Calls that the system refuses."""

    def test_other_faults_of_a_nameless_file_are_not_taken_for_a_lack_of_support(self):
        for fault, text in ("EACCES", "Permission denied"), ("ENOSPC", "No space left"), ("EMFILE", "Too many open"):
            self.assertIn(text, self.refuse(f"tmpfile:{fault}", "dump", "a.npy", 5))
        self.assertEqual(files_in(self.work), [])

    def test_a_link_that_is_refused_leaves_nothing(self):
        for step in "dump", "durable", "create":
            self.assertIn("a.npy: ", self.refuse("linkat:EPERM", step, "a.npy", 5))
            self.assertEqual(files_in(self.work), [])
        output, warning = self.warned("linkat:EPERM", "call", "cache", 1, 5)
        self.assertEqual(output, [f"computed {n}" for n in range(1, 6)])
        self.assertIn("Operation not permitted", warning)
        self.assertEqual(self.assert_sound_cache(), 0)

    def test_a_replacement_that_is_refused_leaves_the_old_file(self):
        self.succeed("", "dump", "a.npy", 5)
        for fault in "linkat:EPERM", "linkat:EPERM@2+", "rename:EIO":
            self.refuse(fault, "dump", "a.npy", 500)
            self.assertEqual(files_in(self.work), ["a.npy"])
            self.assert_holds("a.npy", 5)

    def test_permissions_that_cannot_be_set_are_no_obstacle(self):
        self.succeed("", "dump", "a.npy", 5)
        (self.work / "a.npy").chmod(0o666)  # more than the umask lets through
        self.succeed("fchmod:EPERM", "dump", "a.npy", 6)
        self.assert_holds("a.npy", 6)
        (self.work / "a.npy").chmod(0o640)
        self.succeed("", "dump", "a.npy", 7)
        self.assertEqual((self.work / "a.npy").stat().st_mode & 0o7777, 0o640)

    def test_too_many_open_files(self):
        self.succeed("", "dump", "a.npy", 5, "call", "cache", 1, 10)
        self.assertIn("Too many open files", self.refuse("open:EMFILE", "load", "a.npy"))
        output, warning = self.warned("open:EMFILE tmpfile:EMFILE", "call", "cache", 1, 20)
        self.assertEqual(output, [f"computed {n}" for n in range(1, 21)])
        self.assertIn("Too many open files", warning)
        # It says nothing of the entries: they are still there.
        self.assertEqual(self.succeed("", "call", "cache", 1, 10), [f"hit {n}" for n in range(1, 11)])

    def test_a_read_that_fails_is_an_error_or_a_miss(self):
        self.succeed("", "dump", "a.npy", 5, "call", "cache", 5, 5)
        self.assertIn("Input/output error", self.refuse("pread:EIO", "load", "a.npy"))
        # A call looks once more before it computes.
        for faults, how in ("pread:EIO@1", "hit"), ("pread:EIO", "computed"):
            output, warning = self.warned(faults, "call", "cache", 5, 5)
            self.assertEqual(output, [f"{how} 5"])
            self.assertIn("Input/output error", warning)
        self.assertEqual(self.succeed("", "call", "cache", 5, 5), ["hit 5"])


class FullDisk(FailingCalls):
    def test_dump_leaves_the_old_file_and_nothing_else(self):
        self.succeed("", "dump", "a.npy", 5)
        size = 128 + 500 * 8
        for bytes_left in 0, 1, 128, 200, size - 1, size, size + 100:
            text = self.refuse(f"pwrite:ENOSPC>{bytes_left}", "dump", "a.npy", 500)
            self.assertIn("a.npy", text)
            self.assertIn("No space left on device", text)
            self.assertEqual(files_in(self.work), ["a.npy"])
            self.assert_holds("a.npy", 5)

    def test_a_dump_of_many_chunks_leaves_the_old_file_and_nothing_else(self):
        self.succeed("", "dump", "a.npy", 5)
        faults = [f"pwrite:ENOSPC>{bytes_left}" for bytes_left in (0, 1, 5_000_000, CHUNKS * 8 - 1)]
        for fault in *faults, "pwrite:ENOSPC@4", "pwrite:EIO@2", f"pwrite:ENOSPC>{CHUNKS * 8 + 200}":
            text = self.refuse(fault, "dump", "a.npy", CHUNKS)
            self.assertIn("a.npy", text)
            self.assertIn("Input/output" if "EIO" in fault else "No space left on device", text)
            self.assertEqual(files_in(self.work), ["a.npy"])
            self.assert_holds("a.npy", 5)

    def test_a_large_dump_and_create_learn_it_before_they_write(self):
        for faults, step in ("fallocate:ENOSPC", "dump"), ("posix_fallocate:ENOSPC", "create"):
            self.assertIn("No space left on device", self.refuse(faults, step, "a.npy", LARGE))
            self.assertEqual(files_in(self.work), [])

    def test_space_that_cannot_be_asked_for_is_no_obstacle_to_dump(self):
        self.succeed("fallocate:EOPNOTSUPP", "dump", "a.npy", LARGE)
        self.assert_holds("a.npy", LARGE)

    def test_calls_are_computed_with_one_warning(self):
        for place in "pwrite:ENOSPC", "pwrite:ENOSPC>400", "tmpfile:ENOSPC":
            shutil.rmtree(self.work / "cache", ignore_errors=True)
            output, warning = self.warned(place, "call", "cache", 50, 60)
            self.assertEqual(output, [f"computed {n}" for n in range(50, 61)])
            self.assertIn("No space left on device", warning)
            self.assertEqual(self.assert_sound_cache(), 0)

    def test_no_space_for_a_directory(self):
        output, _ = self.warned("mkdir:ENOSPC", "call", "cache", 1, 5)
        self.assertEqual(output, [f"computed {n}" for n in range(1, 6)])


class Durability(FailingCalls):
    def test_file_and_directory_are_synced_where_that_is_asked_for(self):
        self.succeed("fsync:pass", "durable", "a.npy", 5)
        self.assertEqual(len(self.failed), 2)
        self.run_driver("fsync:pass", "dump", "a.npy", 5, "create", "b.npy", 5)
        self.assertEqual(self.failed, [])

    def test_results_are_synced_where_computing_took_long(self):
        self.assertEqual(self.succeed("fsync:pass", "slow", "cache"), ["computed 5"])
        self.assertEqual(len(self.failed), 2)
        for first in range(10, 40, 3):  # on a busy machine all may take long
            self.run_driver("fsync:pass", "call", "cache", first, first + 2)
            if not self.failed:
                break
        self.assertEqual(self.failed, [])

    def test_a_directory_that_is_not_found_is_a_failure_while_the_file_is_there(self):
        self.succeed("open:pass", "slow", "cache")
        last = len(self.failed)
        shutil.rmtree(self.work / "cache")
        output, warning = self.warned(f"open:ENOENT@{last}", "slow", "cache")
        self.assertEqual(output, ["computed 5"])
        self.assertIn("No such file or directory", warning)

    def test_a_failure_is_an_error_before_the_old_file_is_replaced(self):
        self.succeed("", "dump", "a.npy", 5)
        self.assertIn("Input/output error", self.refuse("fsync:EIO", "durable", "a.npy", 6))
        self.assertEqual(files_in(self.work), ["a.npy"])
        self.assert_holds("a.npy", 5)

    def test_a_failure_to_sync_the_directory_is_an_error(self):
        self.assertIn("Input/output error", self.refuse("fsync:EIO@2", "durable", "a.npy", 6))

    def test_file_systems_that_cannot_are_no_obstacle(self):
        self.succeed("fsync:EINVAL", "durable", "a.npy", 5)
        self.assert_holds("a.npy", 5)
        self.assertEqual(self.succeed("fsync:EINVAL", "slow", "cache"), ["computed 5"])

    def test_a_result_that_cannot_be_synced_is_returned_with_a_warning(self):
        output, warning = self.warned("fsync:EIO", "slow", "cache")
        self.assertEqual(output, ["computed 5"])
        self.assertIn("Input/output error", warning)


class Interruptions(FailingCalls):
    """Signals, and writes that move less than they were asked to."""

    def test_opens_are_tried_again(self):
        self.succeed("tmpfile:EINTR@1", "dump", "a.npy", 5)
        self.succeed(f"{NAMELESS_REFUSED} create:EINTR@1", "dump", "b.npy", 5)
        self.assertEqual(self.succeed("open:EINTR@1", "load", "a.npy"), ["loaded 5"])
        self.assertEqual(self.succeed("open:EINTR@1", "map", "b.npy"), ["loaded 5"])
        self.succeed("open:EINTR@1", "update", "a.npy")
        self.succeed("open:EINTR@1 tmpfile:EINTR@1", "reseal", "a.npy")
        self.succeed("open:EINTR@1", "durable", "b.npy", 6)
        self.assertEqual(self.succeed("tmpfile:EINTR@1", "call", "cache", 5, 6), ["computed 5", "computed 6"])
        self.assertEqual(self.succeed("open:EINTR@1", "call", "cache", 5, 6), ["hit 5", "hit 6"])
        self.assertEqual(files_in(self.work)[:2], ["a.npy", "b.npy"])

    def test_reads_and_writes_are_tried_again(self):
        self.succeed("pwrite:EINTR@1", "dump", "a.npy", LARGE)
        self.assert_holds("a.npy", LARGE)
        self.succeed("pwrite:EINTR@2", "dump", "b.npy", CHUNKS)
        self.assert_holds("b.npy", CHUNKS)
        self.succeed("pwrite:EINTR@1 posix_fallocate:EINTR@1", "create", "c.npy", 5)
        self.assert_holds("c.npy", 5)
        self.assertEqual(self.succeed("pread:EINTR@1", "load", "a.npy"), [f"loaded {LARGE}"])

    def test_short_writes_are_carried_on(self):
        self.succeed("pwrite:short", "dump", "a.npy", LARGE)
        self.assert_holds("a.npy", LARGE)
        self.succeed("pwrite:short", "dump", "a.npy", CHUNKS)
        self.assert_holds("a.npy", CHUNKS)
        self.succeed("pwrite:short", "create", "c.npy", 5, "update", "c.npy", "reseal", "c.npy")
        array, _ = read_container(self.work / "c.npy")
        self.assertEqual(list(array), [1, 1, 2, 3, 4])
        self.succeed("pwrite:short", "call", "cache", 50, 52)
        self.assertEqual(self.assert_sound_cache(), 3)


class Killed(FailingCalls):
    """Killed at any of its calls, it leaves what was there or what was to be, and never a part of it."""

    def kill_at_each(self, call, before, *steps):
        """Kills the driver at the first, second ... of these calls until it does not come to that many."""
        for number in range(1, 100):
            before()
            result = self.run_driver(f"{self.faults}{call}:kill@{number}", *steps)
            if result.returncode == 0:
                self.assertGreater(number, 1, f"there is no {call}")
                return
            self.assertEqual(result.returncode, KILLED, result.stderr)
            yield number
        self.fail(f"over 99 calls of {call}")

    faults = ""

    def empty(self):
        shutil.rmtree(self.work)
        self.work.mkdir()

    def old(self):
        self.empty()
        self.succeed("", "dump", "a.npy", 5)

    def test_dump(self):
        for call in "tmpfile", "pwrite", "linkat":
            for _ in self.kill_at_each(call, self.empty, "dump", "a.npy", 500):
                self.assertEqual(files_in(self.work), [])
        for call in "tmpfile", "pwrite":
            for _ in self.kill_at_each(call, self.old, "dump", "a.npy", 500):
                self.assertEqual(files_in(self.work), ["a.npy"])
                self.assert_holds("a.npy", 5)

    def test_replacing_leaves_at_most_a_temporary_file(self):
        for faults, calls in ("", ("linkat", "rename")), (f"{NAMELESS_REFUSED} ", ("create", "pwrite", "rename")):
            self.faults = faults
            for call in calls:
                for _ in self.kill_at_each(call, self.old, "dump", "a.npy", 500):
                    self.assert_holds("a.npy", 5)
                    others = [name for name in files_in(self.work) if name != "a.npy"]
                    self.assertLessEqual(len(others), 1)
                    for name in others:
                        self.assertRegex(name, TEMPORARY)

    def test_dump_of_many_chunks(self):
        for _ in self.kill_at_each("pwrite", self.old, "dump", "a.npy", CHUNKS):
            self.assertEqual(files_in(self.work), ["a.npy"])
            self.assert_holds("a.npy", 5)

    def test_durable_dump(self):
        for number in self.kill_at_each("fsync", self.old, "durable", "a.npy", 500):
            self.assert_holds("a.npy", 5 if number == 1 else 500)
            self.assertEqual(files_in(self.work), ["a.npy"])

    def test_create(self):
        for call in "tmpfile", "posix_fallocate", "pwrite", "linkat":
            for _ in self.kill_at_each(call, self.empty, "create", "a.npy", 500):
                self.assertEqual(files_in(self.work), [])

    def test_update_and_reseal(self):
        def updated():
            self.old()
            self.succeed("", "update", "a.npy")

        for call in "tmpfile", "linkat", "rename":
            for _ in self.kill_at_each(call, updated, "reseal", "a.npy"):
                self.assertEqual(list(np.load(self.work / "a.npy")), [1, 1, 2, 3, 4])
                self.succeed("", "reseal", "a.npy")
                self.assertEqual(list(read_container(self.work / "a.npy")[0]), [1, 1, 2, 3, 4])

    def test_first_calls_of_a_cache(self):
        for faults, calls in ("", ("mkdir", "tmpfile", "write", "pwrite", "linkat")), \
                             (f"{NAMELESS_REFUSED} ", ("mkdir", "create", "write", "pwrite", "link")):
            self.faults = faults
            for call in calls:
                for number in self.kill_at_each(call, self.empty, "call", "cache", 1, 2):
                    with self.subTest(faults=faults, call=call, number=number):
                        known = self.assert_sound_cache(leftovers=bool(faults))
                        expected = ["hit"] * known + ["computed"] * (3 - known)
                        output = self.succeed("", "call", "cache", 1, 3)
                        self.assertEqual(output, [f"{how} {n}" for n, how in enumerate(expected, 1)])
                        self.assert_sound_cache(leftovers=bool(faults))
                        self.assertEqual((self.work / "cache/.gitignore").read_text(), "*\n")
                        self.assertIn("8a477f597d28d172789f06886806bc55",
                                      (self.work / "cache/CACHEDIR.TAG").read_text())


class Results(FailingCalls):
    """Where a result lies does not depend on whether it was computed or loaded."""

    def test_small_results_are_copies_and_large_ones_are_mapped(self):
        for how in "computed", "hit":
            self.assertEqual(self.succeed("", "call", "cache", 2047, 2047), [f"{how} 2047"])
            self.assertEqual(self.succeed("", "call", "cache", 2048, 2048), [f"{how} 2048 mapped"])


class Clearing(FailingCalls):
    """What a killed process left under a temporary name goes with a clear, once nobody can be writing to it."""

    def leave_temporaries(self):
        """One beside each kind of file in a cache; their paths."""
        for number in 1, 2, 3:
            self.run_driver(f"{NAMELESS_REFUSED} link:kill@{number}", "call", "cache", 1, 1)
        found = [path for path in (self.work / "cache").rglob(".*") if TEMPORARY.fullmatch(path.name)]
        self.assertEqual({path.name.split(".larder-")[0][:5] for path in found if path.parent.name == "cache"},
                         {"..git", ".CACH"})
        self.assertEqual(len(found), 3)
        return found

    def test_old_temporary_files_are_removed(self):
        temporaries = self.leave_temporaries()
        self.succeed("", "call", "cache", 1, 2)
        for path in temporaries:
            age = path.stat().st_mtime - 2 * 3600
            os.utime(path, (age, age))
        (self.work / "cache" / "notes.txt").write_text("mine")
        os.utime(self.work / "cache" / "notes.txt", (0, 0))
        self.succeed("", "clear", "cache")
        self.assertEqual(files_in(self.work / "cache"), [".gitignore", ".larder-lock", "CACHEDIR.TAG", "notes.txt"])
        self.assertEqual([path for path in (self.work / "cache").iterdir() if path.is_dir()], [])

    def test_young_ones_may_be_in_use(self):
        temporaries = self.leave_temporaries()
        self.succeed("", "clear", "cache")
        for path in temporaries:
            self.assertTrue(path.exists(), path)


if __name__ == "__main__":
    unittest.main()
