"""larder store: the objects that processes share, for people, shells and Python."""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

from larder_case import LarderCase, PROGRAM

SUBCOMMANDS = ["ls", "info", "put", "get", "rm", "watch"]
# File systems of other kinds may not say who has a file open.
SHARED_MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") else None
GRID = np.arange(12.0).reshape(3, 4)


class StoreCase(LarderCase):
    """Each test has namespaces of its own, in self.root, and grid.npy."""

    def setUp(self):
        super().setUp()
        scratch = tempfile.TemporaryDirectory(dir=SHARED_MEMORY)
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name) / "stores"
        self.environment = {**os.environ, "LARDER_STORE_DIR": str(self.root)}
        np.save(self.work / "grid.npy", GRID)

    def larder(self, *arguments, **options):
        return super().larder(*arguments, **{"env": self.environment, **options})

    def store(self, subcommand, *arguments, **options):
        """Returns what it printed."""
        return self.assert_fine(self.larder("store", subcommand, *arguments, **options))

    def store_json(self, subcommand, *arguments):
        return self.fine_json("store", subcommand, *arguments)

    def put(self, *names, space="run42"):
        for name in names:
            self.store("put", space, name, "grid.npy")

    def names(self, space="run42"):
        return [each["name"] for each in self.store_json("ls", space)["objects"]]

    def path(self, name, space="run42"):
        return Path(self.store_json("info", space, name)["path"])

    def add_nameless(self, digits="1f3a" * 8, space="run42"):
        """As a program puts an object without a name: a file of another name."""
        return Path(shutil.copy(self.path("grid", space), self.root / space / f"%r{digits}"))

    def damage(self, path, offset=-60):
        path.chmod(0o644)
        self.flip(path, offset)
        path.chmod(0o444)


class Ls(StoreCase):
    def test_namespaces(self):
        self.assertEqual(self.store("ls"), "no namespaces\n")
        self.assertEqual(self.store_json("ls"), {"directory": str(self.root), "namespaces": []})
        self.put("a", "b")
        self.store("put", "caf\u00e9", "c", "grid.npy", "--capacity", "2G")
        head, *rows = self.store("ls").splitlines()
        self.assertEqual(head.split(), ["namespace", "objects", "size", "capacity"])
        self.assertEqual([row.split() for row in rows],
                         [["caf\u00e9", "1", "448", "bytes", "2.00", "GiB"], ["run42", "2", "896", "bytes", "-"]])
        document = self.store_json("ls")["namespaces"]
        self.assertEqual(document[1], {"namespace": "run42", "path": str(self.root / "run42"), "objects": 2, "bytes": 896,
                                       "capacity": None})
        self.assertEqual(document[0]["capacity"], 2 << 30)

    def test_a_namespace_with_a_slash_in_its_name(self):
        self.put("a")
        (self.root / "run42").rename(self.root / "a%2fb")  # as store("a/b") has it
        [row] = self.store_json("ls")["namespaces"]
        self.assertEqual((row["namespace"], row["path"], row["objects"]), ("a/b", str(self.root / "a%2fb"), 1))
        self.assertEqual(self.names(row["path"]), ["a"])

    def test_objects(self):
        self.put("grid")
        self.store("put", "run42", "map", self.samples / "map.larder", "--pin")
        self.add_nameless()
        head, *rows = self.store("ls", "run42").splitlines()
        self.assertEqual(head.split(), ["name", "type", "shape", "marks", "size", "age"])
        self.assertRegex(rows[0], r"^grid +array<f64> +\(3, 4\) +448 bytes +[\d.]+ (µs|ms|s)$")
        self.assertRegex(rows[1], r"^map +map<string,array<f64>> +pinned +896 bytes +[\d.]+ ")
        self.assertRegex(rows[2], r"^\(ref\) 1f3a1f3a… +array<f64> +\(3, 4\) +448 bytes +[\d.]+ ")
        self.assertEqual(len({len(row) for row in [head, *rows]}), 1)

    def test_json(self):
        self.put("grid")
        nameless = self.add_nameless()
        os.utime(self.path("grid"), (1_600_000_000, 1_500_000_000))
        document = self.store_json("ls", "run42")
        self.assertEqual((document["namespace"], document["path"]), ("run42", str(self.root / "run42")))
        grid, other = document["objects"]
        self.assertEqual(grid, {"name": "grid", "path": str(self.root / "run42" / "grid"), "type": "array<f64>", "shape": [3, 4],
                                "bytes": 448, "created": "2017-07-14T02:40:00Z", "last_used": "2020-09-13T12:26:40Z",
                                "pinned": False, "in_use": False})
        self.assertEqual((other["name"], other["path"]), (None, str(nameless)))

    def test_prefix(self):
        self.put("a1", "b", "a2")
        self.put("grid")
        self.add_nameless()
        self.assertEqual([each["name"] for each in self.store_json("ls", "run42", "--prefix", "a")["objects"]], ["a1", "a2"])
        self.assertEqual(self.store("ls", "run42", "--prefix=x"), "no objects\n")
        self.assert_complaint(self.larder("store", "ls", "--prefix", "a"), 2, "--prefix", "NAMESPACE")

    def test_an_object_that_somebody_has_mapped_is_in_use(self):
        self.put("grid", "other")
        mapped = np.load(self.path("grid"), mmap_mode="r")
        if SHARED_MEMORY:
            self.assertEqual([each["in_use"] for each in self.store_json("ls", "run42")["objects"]], [True, False])
            self.assertRegex(self.store("ls", "run42").splitlines()[1], r"^grid .* in use ")
            self.assertRegex(self.store("info", "run42", "grid"), r"(?m)^  marks +in use$")
        del mapped
        self.assertEqual([each["in_use"] for each in self.store_json("ls", "run42")["objects"]], [False, False])

    def test_damaged_objects_are_named_and_the_others_listed(self):
        self.put("a", "b", "c")
        self.damage(self.path("b"))
        (self.root / "run42" / "c").chmod(0o644)
        np.save(self.root / "run42" / "c", GRID)  # c.npy: a name like any other
        (self.root / "run42" / "c.npy").replace(self.root / "run42" / "c")  # sound for NumPy, but no object
        result = self.larder("store", "ls", "run42")
        self.assertEqual(result.returncode, 1)
        self.assertEqual([line.split()[:2] for line in result.stdout.splitlines()[1:]],
                         [["a", "array<f64>"], ["b", "damaged:"], ["c", "damaged:"]])
        self.assertRegex(result.stderr, r"\Alarder: \S+/run42/b: E_TRAILER_CHECKSUM: [^\n]+\nlarder: \S+/run42/c: E_[^\n]+\n\Z")
        result = self.larder("store", "ls", "run42", "--json")
        self.assertEqual(result.returncode, 1)
        objects = json.loads(result.stdout)["objects"]
        self.assertEqual([("error" in each, "type" in each) for each in objects], [(False, True), (True, False), (True, False)])
        self.assertEqual((objects[1]["name"], objects[1]["error"]["code"]), ("b", "E_TRAILER_CHECKSUM"))

    def test_a_namespace_that_is_refused_does_not_hide_the_others(self):
        self.put("a", space="open")
        self.put("a", space="mine")
        (self.root / "open").chmod(0o777)
        result = self.larder("store", "ls", "--json")
        self.assert_complaint(result, 2, str(self.root / "open"), "others may write")
        self.assertEqual([each["namespace"] for each in json.loads(result.stdout)["namespaces"]], ["mine"])

    def test_names_of_any_characters_are_one_line_each(self):
        self.put("line\nbreak\x1b[31m", "../../up", "{x}", "[y]")
        text = self.store("ls", "run42")
        self.assertEqual(len(text.splitlines()), 5)
        self.assertNotIn("\x1b", text)
        self.assertEqual(self.names(), sorted(["line\nbreak\x1b[31m", "../../up", "{x}", "[y]"]))


class Info(StoreCase):
    def test_text(self):
        self.put("grid")
        text = self.store("info", "run42", "grid")
        self.assertTrue(text.startswith("grid\n"))
        for row in (r"path +/\S+/stores/run42/grid", r"created +\d{4}-", r"last used +\d{4}-", r"type +array<f64>", r"state +sealed",
                    r"segment 0: array", r"shape +\(3, 4\), row-major"):
            self.assertRegex(text, rf"(?m)^ +{row}")
        self.assertNotIn("marks", text)

    def test_json(self):
        self.store("put", "run42", "caf\u00e9/map", self.samples / "map.larder", "--pin")
        document = self.store_json("info", "run42", "caf\u00e9/map")
        self.assertEqual((document["namespace"], document["name"], document["type"], document["shape"]),
                         ("run42", "caf\u00e9/map", "map<string,array<f64>>", None))
        self.assertEqual((document["pinned"], document["in_use"], document["state"]), (True, False, "sealed"))
        self.assertEqual([each["kind"] for each in document["segments"]], ["array", "array", "object"])

    def test_python_maps_the_path(self):
        self.put("grid")
        program = "import json, sys, numpy as np; print(np.load(json.load(sys.stdin)['path'], mmap_mode='r')[1].sum())"
        document = self.assert_fine(self.larder("store", "info", "run42", "grid", "--json"))
        result = subprocess.run([sys.executable, "-c", program], input=document, capture_output=True, text=True, check=True)
        self.assertEqual(result.stdout, "22.0\n")

    def test_looking_is_no_use(self):
        self.put("grid")
        path = self.path("grid")
        os.utime(path, (1_500_000_000, 1_600_000_000))  # as relatime has it: the next reading would count
        self.store("info", "run42", "grid")
        self.store("ls", "run42")
        self.assertEqual(path.stat().st_atime, 1_500_000_000)

    def test_damaged(self):
        self.put("grid")
        path = self.path("grid")
        self.damage(path)
        self.assert_complaint(self.larder("store", "info", "run42", "grid"), 1, str(path), "E_TRAILER_CHECKSUM")


class Put(StoreCase):
    def test_what_numpy_made_becomes_an_object(self):
        for name, array in (("plain", GRID), ("fortran", np.asfortranarray(GRID)), ("big-endian", GRID.astype(">f4")),
                            ("scalar", np.float64(2.5)), ("empty", np.zeros((0, 3), np.int16))):
            np.save(self.work / "a.npy", array)
            document = self.store_json("put", "run42", name, "a.npy")
            self.assertEqual((document["written"], document["shape"]), (True, list(np.shape(array))))
            path = Path(document["path"])
            np.testing.assert_array_equal(np.load(path, mmap_mode="r" if np.size(array) else None), array)
            self.assertEqual((self.fine_json("verify", path)["state"], path.stat().st_mode & 0o7777), ("sealed", 0o444))

    def test_any_container_becomes_an_object_uncompressed(self):
        for sample in "f64.npy", "map.larder", "particle.larder", "dirty.npy":
            self.store("put", "run42", sample, self.samples / sample)
        self.store("put", "run42", "f64_compressed.larder", self.samples / "f64_compressed.larder")
        self.store("put", "run42", "map_compressed.larder", self.samples / "map_compressed.larder")
        for name, sample in (("f64.npy", "f64.npy"), ("map.larder", "map.larder"), ("f64_compressed.larder", "f64.npy"),
                             ("map_compressed.larder", "map.larder")):
            self.assertEqual(self.path(name).read_bytes(), (self.samples / sample).read_bytes())
        self.assertEqual(self.store_json("info", "run42", "dirty.npy")["state"], "sealed")

    def test_text(self):
        self.assertEqual(self.store("put", "run42", "grid", "grid.npy"), "grid: array<f64>, 448 bytes\n")

    def test_from_standard_input(self):
        content = (self.work / "grid.npy").read_bytes()
        result = self.larder("store", "put", "run42", "piped", "-", input=content, text=False, errors=None)
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        np.testing.assert_array_equal(np.load(self.path("piped")), GRID)
        result = self.larder("store", "put", "run42", "cut", "-", input=content[:-1], text=False, errors=None)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"standard input: E_TRUNCATED", result.stderr)
        self.assertEqual(self.names(), ["piped"])

    def test_an_object_is_replaced_and_who_has_it_keeps_it(self):
        self.put("grid")
        mapped = np.load(self.path("grid"), mmap_mode="r")
        np.save(self.work / "ones.npy", np.ones(3))
        self.store("put", "run42", "grid", "ones.npy")
        np.testing.assert_array_equal(np.load(self.path("grid")), np.ones(3))
        np.testing.assert_array_equal(mapped, GRID)

    def test_if_absent(self):
        self.assertTrue(self.store_json("put", "run42", "grid", "grid.npy", "--if-absent")["written"])
        np.save(self.work / "ones.npy", np.ones(3))
        self.assertEqual(self.store("put", "run42", "grid", "ones.npy", "--if-absent"), "grid: is there already, and stays\n")
        self.assertFalse(self.store_json("put", "run42", "grid", "ones.npy", "--if-absent")["written"])
        np.testing.assert_array_equal(np.load(self.path("grid")), GRID)

    def test_of_those_who_put_if_absent_at_once_one_has_written(self):
        commands = []
        for number in range(8):
            np.save(self.work / f"{number}.npy", np.full(1000, number))
            command = [PROGRAM, "store", "put", "run42", "claim", f"{number}.npy", "--if-absent", "--json"]
            commands.append(subprocess.Popen(command, cwd=self.work, env=self.environment, stdout=subprocess.PIPE))
        written = [json.loads(each.communicate()[0])["written"] for each in commands]
        self.assertEqual(written.count(True), 1)
        np.testing.assert_array_equal(np.load(self.path("claim")), np.full(1000, written.index(True)))

    def test_capacity_evicts_and_pinned_objects_stay(self):
        self.store("put", "run42", "pinned", "grid.npy", "--pin", "--capacity", "1000")
        self.put("first", "second")
        self.assertEqual(self.names(), ["pinned", "second"])
        np.save(self.work / "large.npy", np.zeros(1000))
        self.assert_complaint(self.larder("store", "put", "run42", "large", "large.npy"), 2, "capacity")
        self.assert_complaint(self.larder("store", "put", "run42", "x", "grid.npy", "--capacity", "much"), 2, "capacity", "much")
        self.assertEqual(self.names(), ["pinned", "second"])

    def test_a_bad_file_puts_nothing_and_makes_no_namespace(self):
        (self.work / "text.npy").write_text("no array")
        self.take("f64.npy")
        self.flip(self.work / "f64.npy", 130)
        self.assert_complaint(self.larder("store", "put", "run42", "a", "text.npy"), 1, "text.npy", "E_")
        self.assert_complaint(self.larder("store", "put", "run42", "a", "absent.npy"), 2, "absent.npy", "No such file")
        self.assertFalse((self.root / "run42").exists())
        self.assert_complaint(self.larder("store", "put", "run42", "a", "f64.npy"), 1, "f64.npy", "E_SEG_CHECKSUM")
        self.assertEqual(self.names(), [])

    def test_names_that_are_none(self):
        for name in "", 201 * "x", b"\xff":
            self.assert_complaint(self.larder("store", "put", "run42", name, "grid.npy"), 2, "name")
            if name != b"\xff":
                self.assert_complaint(self.larder("store", "put", name, "a", "grid.npy"), 2, "NAMESPACE")
        self.put(100 * "\u00e9", 200 * "x", "..", "a/b")
        self.store("put", "run42", "--", "-x", "grid.npy")
        self.assertEqual(self.names(), sorted([100 * "\u00e9", 200 * "x", "..", "a/b", "-x"]))


class Get(StoreCase):
    def test_an_array_becomes_a_plain_npy(self):
        self.put("grid")
        self.assertEqual(self.store("get", "run42", "grid", "out.npy"), "out.npy: plain, array<f64>, 224 bytes\n")
        self.assertEqual((self.work / "out.npy").read_bytes(), (self.work / "grid.npy").read_bytes())
        document = self.store_json("get", "run42", "grid", "out.npy")
        self.assertEqual((document["name"], document["path"], document["to"], document["state"]),
                         ("grid", str(self.root / "run42" / "grid"), "out.npy", "plain"))

    def test_another_object_becomes_a_container(self):
        self.store("put", "run42", "map", self.samples / "map.larder")
        self.store("get", "run42", "map", "out.larder")
        self.assertEqual((self.work / "out.larder").read_bytes(), (self.samples / "map.larder").read_bytes())
        self.assert_complaint(self.larder("store", "get", "run42", "map", "out.npy"), 0, "warning: out.npy", "NumPy does not open it")

    def test_to_standard_output(self):
        self.put("grid")
        self.store("put", "run42", "map", self.samples / "map.larder")
        for name, expected in ("grid", self.work / "grid.npy"), ("map", self.samples / "map.larder"):
            result = self.larder("store", "get", "run42", name, "-", text=False, errors=None)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, expected.read_bytes(), b""))
        self.assert_complaint(self.larder("store", "get", "run42", "grid", "-", "--json"), 2, "--json")

    def test_getting_is_a_use(self):
        self.put("grid")
        path = self.path("grid")
        os.utime(path, (1_600_000_000, 1_500_000_000))
        self.store("get", "run42", "grid", "out.npy")
        self.assertGreater(path.stat().st_atime, 1_600_000_000)
        self.assertEqual(path.stat().st_mtime, 1_500_000_000)

    def test_a_damaged_object_is_1_and_writes_nothing(self):
        self.put("grid")
        path = self.path("grid")
        self.damage(path, 130)
        for target in "out.npy", "-":
            result = self.larder("store", "get", "run42", "grid", target)
            self.assert_complaint(result, 1, str(path), "E_SEG_CHECKSUM")
            self.assertEqual(result.stdout, "")
        self.assertFalse((self.work / "out.npy").exists())


class Rm(StoreCase):
    def test_names(self):
        self.put("a", "b", "c")
        self.assertEqual(self.store("rm", "run42", "a", "b"), "run42: removed 2 objects, 896 bytes\n")
        self.assertEqual(self.names(), ["c"])
        self.assertEqual(self.store_json("rm", "run42", "c"),
                         {"namespace": "run42", "removed": {"objects": 1, "bytes": 448}, "absent": []})

    def test_what_is_absent_is_2_and_the_others_go(self):
        self.put("a")
        result = self.larder("store", "rm", "run42", "x", "a", "--json")
        self.assert_complaint(result, 2, 'no object "x"')
        document = json.loads(result.stdout)
        self.assertEqual((document["removed"]["objects"], document["absent"]), (1, ["x"]))
        self.assertEqual(self.names(), [])

    def test_all(self):
        self.put("a", "grid")
        self.add_nameless()
        self.assertEqual(self.store("rm", "run42", "--all"), "run42: removed 3 objects, 1.31 KiB (1,344 bytes)\n")
        self.assertEqual(self.store("ls", "run42"), "no objects\n")

    def test_the_namespace(self):
        self.put("a", "b")
        mapped = np.load(self.path("a"), mmap_mode="r")
        self.assertEqual(self.store("rm", "--namespace", "run42"), "run42: removed the namespace, 2 objects, 896 bytes\n")
        np.testing.assert_array_equal(mapped, GRID)
        self.assertEqual(list(self.root.iterdir()), [])
        self.put("a", space="./here")
        self.store("rm", "./here", "--namespace")
        self.assertFalse((self.work / "here").exists())

    def test_what_is_to_go_has_to_be_said_once(self):
        self.put("a")
        for arguments in [], ["a", "--all"], ["--all", "--namespace"], ["a", "--namespace"]:
            self.assert_complaint(self.larder("store", "rm", "run42", *arguments), 2, "--all", "--namespace")
        self.assertEqual(self.names(), ["a"])


class Watch(StoreCase):
    def watch(self, *arguments):
        """A watch of run42 that has begun: it has shown the object "ready"."""
        self.put("ready")
        process = subprocess.Popen([PROGRAM, "store", "watch", "run42", *arguments], cwd=self.work, env=self.environment,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        while not select.select([process.stdout], [], [], 0)[0]:
            self.put("ready")
        self.put("begun")
        while "begun" not in (line := process.stdout.readline().decode()):
            self.assertIn("ready", line)
        return process

    def assert_lines(self, process, *lines):
        self.assertEqual([process.stdout.readline().decode() for _ in lines], [line + "\n" for line in lines])

    def test_a_line_for_each_that_appears_or_goes_at_once(self):
        self.put("grid")
        process = self.watch()
        self.put("a b")
        self.assert_lines(process, "appeared a b")
        self.store("rm", "run42", "a b")
        self.assert_lines(process, "went a b")
        self.put("grid")  # replaced
        self.add_nameless()
        self.assert_lines(process, "appeared grid", "appeared (ref) 1f3a1f3a\u2026")
        self.assertIsNone(process.poll())

    def test_json_lines(self):
        process = self.watch("--json")
        self.put("caf\u00e9/1")
        self.assertEqual(json.loads(process.stdout.readline()),
                         {"event": "appeared", "name": "caf\u00e9/1", "path": str(self.path("caf\u00e9/1"))})
        nameless = Path(shutil.copy(self.path("ready"), self.root / "run42" / ("%r" + 32 * "0")))
        self.assertEqual(json.loads(process.stdout.readline()), {"event": "appeared", "name": None, "path": str(nameless)})

    def test_count_and_prefix(self):
        self.put("a")
        process = subprocess.Popen([PROGRAM, "store", "watch", "run42", "--prefix", "p", "--count", "2"], cwd=self.work,
                                   env=self.environment, stdout=subprocess.PIPE, text=True)
        while process.poll() is None:
            self.put("a", "p1")
        self.assertEqual((process.returncode, process.communicate()[0]), (0, "appeared p1\nappeared p1\n"))

    def test_the_end_of_the_time(self):
        self.put("a")
        self.assertEqual(self.store("watch", "run42", "--timeout", "0.01"), "")
        result = self.larder("store", "watch", "run42", "--timeout", "0.01", "--count", "2")
        self.assert_complaint(result, 2, "run42", "the time is over", "0 of 2")

    def test_the_removal_of_the_namespace_is_the_end(self):
        self.put("a")
        free, counting = self.watch(), self.watch("--count", "1000000")
        self.store("rm", "run42", "--namespace")
        lines, errors = free.communicate()
        self.assertEqual((free.returncode, errors), (0, b""))
        self.assertEqual(sorted(line for line in lines.decode().splitlines() if line.startswith("went ")),
                         ["went a", "went begun", "went ready"])
        errors = counting.communicate()[1]
        self.assertEqual(counting.returncode, 2)
        self.assertIn(b"the namespace was removed", errors)

    def test_numbers_that_are_none(self):
        self.put("a")
        for option, values in ("--count", ["0", "-1", "x", "1.5"]), ("--timeout", ["0", "-1", "x", "nan", "1s"]):
            for value in values:
                self.assert_complaint(self.larder("store", "watch", "run42", f"{option}={value}"), 2, option, value)


class Use(StoreCase):
    def arguments(self, subcommand, space):
        extra = {"info": ["a"], "put": ["a", "absent.npy"], "get": ["a", "out.npy"], "rm": ["a"], "watch": ["--timeout", "0.01"]}
        return ["store", subcommand, space, *extra.get(subcommand, [])]

    def test_a_namespace_that_is_not_there_is_not_made(self):
        (self.work / "empty").mkdir()
        (self.work / "other").mkdir()
        (self.work / "other" / "file").write_text("mine")
        before = sorted(self.work.rglob("*"))
        for subcommand in SUBCOMMANDS:
            for space in "absent", "./absent", "./empty", "./other":
                result = self.larder(*self.arguments(subcommand, space))
                if subcommand != "put":
                    self.assert_complaint(result, 2, f"there is no store {space}", "larder store ls")
                self.assertEqual(result.returncode, 2)
        self.assert_complaint(self.larder("store", "rm", "absent", "--namespace"), 2, "there is no store absent")
        self.assertEqual(sorted(self.work.rglob("*")), before)
        self.assertFalse(self.root.exists())
        result = self.larder("store", "info", "absent", "a", "--json")
        self.assertEqual(json.loads(result.stdout)["error"]["code"], "ENOENT")

    def test_a_namespace_whose_last_user_was_killed_is_gone(self):
        for subcommand in SUBCOMMANDS:
            if subcommand == "put":
                continue
            self.put("a")
            with open(self.root / "run42" / ".larder-lock", "r+b") as lock:
                lock.seek(32)
                lock.write(b"\x01")  # lifetime::last_user
            self.assert_complaint(self.larder(*self.arguments(subcommand, "run42")), 2, "there is no store run42")
            self.assertEqual(list(self.root.iterdir()), [])

    def test_an_object_that_is_not_there(self):
        self.put("b")
        for subcommand in "info", "get":
            self.assert_complaint(self.larder(*self.arguments(subcommand, "run42")), 2, "run42", 'no object "a"', "larder store ls")
        self.assertFalse((self.work / "out.npy").exists())

    def test_with_a_slash_it_is_a_directory(self):
        (self.work / "sub").mkdir()
        self.put("grid", space="sub/store")
        self.assertEqual(self.path("grid", "sub/store"), self.work / "sub/store/grid")
        self.assertEqual(self.names(str(self.work / "sub/store")), ["grid"])
        self.assertEqual(self.store("ls"), "no namespaces\n")
        self.put("grid")
        self.assertEqual(self.names(str(self.root / "run42")), ["grid"])  # that of a namespace is one as well

    def test_a_directory_of_other_things_is_no_namespace(self):
        (self.work / "other").mkdir()
        (self.work / "other" / "file").write_text("mine")
        self.assert_complaint(self.larder("store", "put", "./other", "a", "grid.npy"), 2, "other", "other things")
        self.assertEqual(os.listdir(self.work / "other"), ["file"])

    def test_each_subcommand_has_help(self):
        text = self.store("--help")
        for word in (*SUBCOMMANDS, "Examples:", "larder store "):
            self.assertIn(word, text)
        for name in SUBCOMMANDS:
            text = self.store(name, "--help")
            self.assertIn(f"larder store {name} ", text)
            self.assertIn("--json", text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), 120)

    def test_wrong_use_is_one_line_with_a_hint(self):
        for arguments in [], ["nonsense"], ["--json"]:
            self.assert_complaint(self.larder("store", *arguments), 2, "larder store --help")
        for name in SUBCOMMANDS:
            self.assert_complaint(self.larder("store", name, "run42", "--nonsense"), 2, f"larder store {name} --help")
            if name != "ls":
                self.assert_complaint(self.larder("store", name), 2, "NAMESPACE", f"larder store {name} --help")
        for arguments in ["info", "run42"], ["put", "run42", "a"], ["get", "run42", "a"], ["ls", "run42", "a"], ["watch", "run42", "a"]:
            self.assert_complaint(self.larder("store", *arguments), 2, f"larder store {arguments[0]} --help")

    def test_full_disk(self):
        self.put("a")
        for arguments in (["ls"], ["ls", "run42"], ["info", "run42", "a"], ["get", "run42", "a", "-"], ["get", "run42", "a", "out.npy"],
                          ["put", "run42", "b", "grid.npy"], ["rm", "run42", "b"]):
            with open("/dev/full", "w") as full:
                result = self.larder("store", *arguments, capture_output=False, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("No space left on device", result.stderr)


if __name__ == "__main__":
    unittest.main()
