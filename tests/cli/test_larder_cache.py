"""larder cache: what is in a cache directory, and less of it."""

import json
import os
import pty
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from larder_case import LarderCase, PROGRAM
from terminal import written_to

SUBCOMMANDS = ["ls", "show", "stats", "prune", "clear", "verify"]
HOUR = 3600
DAY = 24 * HOUR


class CacheCase(LarderCase):
    """Each test has a cache of its own, self.work/cache: of "ramp" 3 results of version 1 and 2 of version 2, and one of
    "café/twice"."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.original = Path(scratch.name) / "cache"
        subprocess.run([os.environ["WRITE_CACHE"], cls.original], check=True)

    def setUp(self):
        super().setUp()
        self.cache = self.work / "cache"
        shutil.copytree(self.original, self.cache)
        (self.cache / ".larder-lock").write_bytes(b"")

    def entries(self, function="*", code="*"):
        return sorted(path for path in self.cache.glob(f"{function}/{code}/??/" + 30 * "?") if path.is_file())

    def bytes_of_twice(self):
        [entry] = set(self.entries()) - set(self.entries("ramp"))
        return entry.stat().st_size

    def key(self, entry):
        return entry.parent.name + entry.name

    def use(self, entry, ago):
        """As if it had been stored long ago, and used some seconds ago."""
        os.utime(entry, (time.time() - ago, time.time() - 1000 * DAY))

    def damage(self, entry):
        entry.chmod(0o644)
        self.flip(entry, 130)

    def state(self):
        """All names in the work directory, with the times of files."""
        return {path: path.is_file() and (path.stat().st_atime_ns, path.stat().st_mtime_ns)
                for path in self.work.rglob("*")}

    def cache_json(self, subcommand, *arguments):
        return self.fine_json("cache", subcommand, "cache", *arguments)


class Ls(CacheCase):
    def test_rows_by_function_and_version(self):
        head, *rows = self.assert_fine(self.larder("cache", "ls", "cache")).splitlines()
        self.assertEqual(head.split(), ["function", "version", "entries", "size", "computing", "last", "used"])
        self.assertEqual([row.split()[0] for row in rows], ["café/twice", "ramp", "ramp"])
        self.assertRegex(rows[0], rf"^café/twice  b-[0-9a-f]{{32}} +1 +{self.bytes_of_twice()} bytes  .*Z$")
        self.assertRegex(rows[1], r"^ramp +v-1 +3 +2\d\.\d KiB +[\d.]+ (µs|ms|s) +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(rows[2], r"^ramp +v-2 +2 ")
        self.assertEqual(len({len(row) for row in [head, *rows]}), 1)

    def test_json(self):
        document = self.cache_json("ls")
        self.assertEqual(document["directory"], "cache")
        self.assertEqual([(row["function"], row["entries"], row["damaged"]) for row in document["functions"]],
                         [("café/twice", 1, 0), ("ramp", 3, 0), ("ramp", 2, 0)])
        self.assertEqual([row["code"] for row in document["functions"]][1:], ["v-1", "v-2"])
        bytes_of_1 = sum(path.stat().st_size for path in self.entries("ramp", "v-1"))
        self.assertEqual(document["functions"][1]["bytes"], bytes_of_1)

    def test_seconds_are_those_of_the_metadata(self):
        [row] = [row for row in self.cache_json("ls")["functions"] if row["code"] == "v-1"]
        seconds = [self.fine_json("info", entry)["metadata"]["seconds"] for entry in self.entries("ramp", "v-1")]
        self.assertAlmostEqual(row["seconds"], sum(seconds), delta=1e-12)
        self.assertGreater(row["seconds"], 0)

    def test_last_used_is_the_latest_use(self):
        entries = self.entries("ramp", "v-2")
        os.utime(entries[0], (1_600_000_000, 1_500_000_000))
        os.utime(entries[1], (1_400_000_000, 1_300_000_000))
        self.assertEqual(self.cache_json("ls")["functions"][2]["last_used"], "2020-09-13T12:26:40Z")

    def test_a_damaged_entry_is_counted_and_complained_of(self):
        entry = self.entries("ramp", "v-2")[0]
        entry.chmod(0o644)
        self.flip(entry, -60)
        result = self.larder("cache", "ls", "cache", "--json")
        self.assert_complaint(result, 1, "1 entry damaged", "larder cache verify cache")
        row = json.loads(result.stdout)["functions"][2]
        self.assertEqual((row["code"], row["entries"], row["damaged"]), ("v-2", 2, 1))

    def test_a_cleared_cache_is_empty_and_no_error(self):
        self.assert_fine(self.larder("cache", "clear", "cache"))
        self.assertEqual(self.assert_fine(self.larder("cache", "ls", "cache")), "no entries\n")
        self.assertEqual(self.cache_json("ls")["functions"], [])
        self.assertEqual(self.cache_json("stats")["entries"], 0)

    def test_names_of_any_bytes_are_one_line_each(self):
        (self.cache / "ramp" / "v-2").rename(self.cache / "ramp" / "v-%0a%1b[31m".replace("[", "%5b"))
        text = self.assert_fine(self.larder("cache", "ls", "cache"))
        self.assertEqual(len(text.splitlines()), 4)
        self.assertNotIn("\x1b", text)
        self.assertIn("v-\n\x1b[31m", [row["code"] for row in self.cache_json("ls")["functions"]])


class Show(CacheCase):
    def test_by_the_first_digits_of_the_key(self):
        entry = self.entries("ramp", "v-2")[0]
        key = self.key(entry)
        for start in key, key[:12]:
            text = self.assert_fine(self.larder("cache", "show", "cache", start))
            self.assertTrue(text.startswith(f"cache/{entry.relative_to(self.cache)}\n"))
            for row in (r"function +ramp", r"version +v-2", f"key +{key}", r"created +\d{4}-", r"last used +\d{4}-",
                        r"type +array<f64>", r"segment 1: metadata"):
                self.assertRegex(text, rf"(?m)^ +{row}")

    def test_json(self):
        [entry] = self.entries("caf*")
        os.utime(entry, (1_600_000_000, 1_500_000_000))
        document = self.cache_json("show", self.key(entry))
        self.assertEqual(document["path"], f"cache/{entry.relative_to(self.cache)}")
        self.assertEqual((document["function"], document["key"]), ("café/twice", self.key(entry)))
        self.assertEqual((document["created"], document["last_used"]), ("2017-07-14T02:40:00Z", "2020-09-13T12:26:40Z"))
        self.assertEqual(document["metadata"]["arguments"], "7")
        self.assertEqual([segment["kind"] for segment in document["segments"]], ["array", "metadata"])

    def test_a_slash_behind_the_directory_is_no_part_of_paths(self):
        key = self.key(self.entries("ramp", "v-1")[0])
        self.assertTrue(self.assert_fine(self.larder("cache", "show", "cache/", key)).startswith("cache/ramp/v-1/"))

    def test_what_does_not_name_one_entry_is_refused(self):
        [entry] = self.entries("caf*")
        twin = entry.with_name(entry.name[:-1] + ("0" if entry.name[-1] != "0" else "1"))
        shutil.copyfile(entry, twin)
        result = self.larder("cache", "show", "cache", self.key(entry)[:31])
        self.assert_complaint(result, 2, "2 keys begin with", self.key(entry), self.key(twin), "more digits")
        twin.unlink()
        self.assert_fine(self.larder("cache", "show", "cache", self.key(entry)[:31]))
        entry.unlink()
        self.assert_complaint(self.larder("cache", "show", "cache", self.key(entry)), 2, "cache: ", "no key")
        for key in "", "xyz", "AB", 33 * "0", "..":
            self.assert_complaint(self.larder("cache", "show", "cache", key), 2, f'KEY = "{key}"', "hex digits")

    def test_a_damaged_entry_is_1(self):
        entry = self.entries("ramp", "v-1")[0]
        entry.chmod(0o644)
        self.flip(entry, -60)
        self.assert_complaint(self.larder("cache", "show", "cache", self.key(entry)), 1, "E_TRAILER_CHECKSUM", entry.name)


class Stats(CacheCase):
    def test_counts(self):
        entries = self.entries()
        for number, entry in enumerate(entries):
            os.utime(entry, (1_600_000_000 + number, 1_500_000_000 - number))
        document = self.cache_json("stats")
        self.assertEqual(document, {
            "directory": "cache", "functions": 2, "versions": 3, "entries": 6, "left_behind": 0,
            "bytes": sum(path.stat().st_size for path in entries), "largest": max(path.stat().st_size for path in entries),
            "created": {"first": "2017-07-14T02:39:55Z", "last": "2017-07-14T02:40:00Z"},
            "last_used": {"first": "2020-09-13T12:26:40Z", "last": "2020-09-13T12:26:45Z"}})
        text = self.assert_fine(self.larder("cache", "stats", "cache"))
        self.assertRegex(text, r"(?m)^  entries +6$")
        self.assertRegex(text, r"(?m)^  last used +2020-09-13T12:26:40Z to 2020-09-13T12:26:45Z$")

    def test_temporary_files_that_were_left_behind_are_counted(self):
        left = self.entries()[0].with_name(".x.larder-0123456789abcdef")
        left.write_bytes(b"half")
        os.utime(left, (0, 0))
        self.assertEqual(self.cache_json("stats")["left_behind"], 1)
        self.assertRegex(self.assert_fine(self.larder("cache", "stats", "cache")), r"(?m)^  left +temporary files .*: 1; ")
        self.assert_fine(self.larder("cache", "prune", "cache", "--max-items", "100"))
        self.assertFalse(left.exists())


class Prune(CacheCase):
    def setUp(self):
        super().setUp()
        for entry in self.entries():
            self.use(entry, 5 * DAY)
        self.old, self.older, self.recent = self.entries("ramp", "v-1")
        self.use(self.old, 40 * DAY)
        self.use(self.older, 50 * DAY)
        self.use(self.recent, 11 * HOUR)

    def prune(self, *arguments):
        return self.cache_json("prune", *arguments)

    def test_the_least_recently_used_go_first(self):
        document = self.prune("--max-items", "5")
        self.assertEqual((document["removed"]["entries"], document["kept"]["entries"]), (1, 5))
        self.assertEqual((self.old.exists(), self.older.exists()), (True, False))
        self.prune("--max-items=4")
        self.assertFalse(self.old.exists())

    def test_max_age(self):
        for age in "45d", str(45 * 24) + "h", str(45 * DAY) + "s":
            self.prune("--max-age", age)
            self.assertEqual((self.old.exists(), self.older.exists()), (True, False))
        self.prune("--max-age", "3w")
        self.assertEqual(len(self.entries()), 4)
        self.prune("--max-age", str(12 * 60) + "min")
        self.assertEqual(self.entries(), [self.recent])
        self.prune("--max-age", str(10 * 60) + "m")
        self.assertEqual(self.entries(), [])

    def test_max_bytes(self):
        removed = self.old.stat().st_size + self.older.stat().st_size
        total = sum(path.stat().st_size for path in self.entries())
        document = self.prune("--max-bytes", str(total - self.older.stat().st_size - 1))
        self.assertEqual(document["removed"], {"entries": 2, "bytes": removed})
        self.assertEqual(document["kept"], {"entries": 4, "bytes": total - removed})
        self.assertEqual(self.prune("--max-bytes", "0K")["kept"], {"entries": 0, "bytes": 0})

    def test_other_versions(self):
        self.assertEqual(self.prune("--other-versions")["removed"]["entries"], 2)
        self.assertEqual(len(self.entries("ramp", "v-1")), 3)
        self.assertEqual(self.entries("ramp", "v-2"), [])
        self.assertFalse((self.cache / "ramp" / "v-2").exists())
        self.assertEqual(len(self.entries("caf*")), 1)
        self.assertEqual(self.prune("--other-versions")["removed"]["entries"], 0)

    def test_other_versions_go_before_what_the_limits_take(self):
        document = self.prune("--other-versions", "--max-items", "3", "--max-age", "45d")
        self.assertEqual(document["kept"]["entries"], 3)
        self.assertEqual(self.entries("ramp"), sorted([self.old, self.recent]))

    def test_dry_run_changes_nothing_and_says_the_same(self):
        before = self.state()
        arguments = ["--other-versions", "--max-items", "2", "--max-bytes", "1G"]
        would = self.prune(*arguments, "--dry-run")
        text = self.assert_fine(self.larder("cache", "prune", "cache", *arguments, "--dry-run"))
        self.assertEqual(self.state(), before)
        done = self.prune(*arguments)
        self.assertEqual((would.pop("dry_run"), done.pop("dry_run")), (True, False))
        self.assertEqual(would, done)
        self.assertRegex(text, r"\Acache: would remove 4 entries, .* bytes\); 2 entries, .* would stay\n\Z")

    def test_text(self):
        text = self.assert_fine(self.larder("cache", "prune", "cache", "--max-items", "0"))
        self.assertRegex(text, r"\Acache: removed 6 entries, 27\.\d KiB \(2\d,\d{3} bytes\); 0 entries, 0 bytes stay\n\Z")
        self.assertEqual(sorted(path.name for path in self.cache.iterdir()), [".gitignore", ".larder-lock", "CACHEDIR.TAG"])

    def test_what_is_no_limit_is_refused_and_nothing_goes(self):
        before = self.state()
        self.assert_complaint(self.larder("cache", "prune", "cache"), 2, "--max-bytes", "--other-versions")
        self.assert_complaint(self.larder("cache", "prune", "cache", "--dry-run"), 2, "--max-bytes")
        for option, values in (("--max-bytes", ["", "x", "-1", "10Q", "99999999T"]), ("--max-items", ["", "x", "-1", "1.5", "1K"]),
                               ("--max-age", ["", "x", "-1d", "30", "d", "1.5h", "1y", "99999999999d"])):
            for value in values:
                result = self.larder("cache", "prune", "cache", "--other-versions", f"{option}={value}")
                self.assertEqual(result.returncode, 2, (option, value))
                if value:  # without a value CLI11 has its own words
                    self.assert_complaint(result, 2, f'{option} = "{value}"', "allowed")
                self.assertIn(option, result.stderr)
            self.assert_complaint(self.larder("cache", "prune", "cache", "--other-versions", option, ""), 2, f'{option} = ""')
        self.assertEqual(self.state(), before)


class Clear(CacheCase):
    def test_all(self):
        (self.cache / "notes").write_text("mine")
        document = self.cache_json("clear")
        self.assertEqual(document["removed"]["entries"], 6)
        self.assertEqual(sorted(path.name for path in self.cache.iterdir()),
                         [".gitignore", ".larder-lock", "CACHEDIR.TAG", "notes"])
        self.assertEqual(self.assert_fine(self.larder("cache", "clear", "cache")), "cache: removed 0 entries, 0 bytes\n")

    def test_one_function(self):
        bytes_of_twice = self.bytes_of_twice()
        self.assertEqual(self.assert_fine(self.larder("cache", "clear", "cache", "café/twice")),
                         f"cache: removed 1 entry, {bytes_of_twice} bytes\n")
        self.assertEqual(len(self.entries()), 5)
        self.assertEqual(self.cache_json("clear", "ramp")["removed"]["entries"], 5)
        self.assertFalse((self.cache / "ramp").exists())

    def test_a_function_whose_name_a_command_line_could_misread(self):
        for name, escaped in (("[a,b]", "%5ba%2cb%5d"), ("-f", "-f"), ("{}", "%7b%7d")):
            shutil.copytree(self.cache / "ramp", self.cache / escaped)
            self.assert_fine(self.larder("cache", "clear", "cache", "--", name))
            self.assertFalse((self.cache / escaped).exists())
            self.assertEqual(len(self.entries()), 6)

    def test_a_function_that_is_not_there_is_refused(self):
        for name in "absent", "caf%c3%a9%2ftwice", "", "..":
            self.assert_complaint(self.larder("cache", "clear", "cache", name), 2)
        self.assert_complaint(self.larder("cache", "clear", "cache", "absent"), 2, 'cache: ', '"absent"', "larder cache ls")
        self.assertEqual(len(self.entries()), 6)


class Verify(CacheCase):
    def test_whole(self):
        self.assertEqual(self.assert_fine(self.larder("cache", "verify", "cache")), "cache: 6 entries: ok\n")
        self.assertEqual(self.cache_json("verify"), {"directory": "cache", "entries": 6, "damaged": 0, "unreadable": 0,
                                                     "deleted": 0, "faults": []})

    def test_damaged_entries_are_named_and_only_deleted_when_asked_to(self):
        data, cut, plain, directory = (*self.entries("ramp", "v-1")[:2], *self.entries("ramp", "v-2"))
        self.damage(data)
        cut.chmod(0o644)
        os.truncate(cut, 100)
        plain.chmod(0o644)
        plain.write_bytes(plain.read_bytes()[:128 + 8 * (int(self.fine_json("info", plain)["metadata"]["arguments"]))])
        self.assertEqual(self.fine_json("info", plain)["state"], "plain")  # a sound .npy, but no entry
        directory.unlink()
        (directory / "inner").mkdir(parents=True)

        result = self.larder("cache", "verify", "cache")
        self.assert_complaint(result, 1, "4 entries damaged, 0 of them deleted")
        self.assertEqual(len(result.stdout.splitlines()), 4)
        for entry in (data, cut, plain, directory):
            self.assertIn(entry.name, result.stdout)
            self.assertTrue(entry.exists())
        self.assertIn("E_SEG_CHECKSUM", result.stdout)

        result = self.larder("cache", "verify", "cache", "--delete-damaged", "--json")
        self.assert_complaint(result, 1, "4 of them deleted")
        document = json.loads(result.stdout)
        self.assertEqual((document["entries"], document["damaged"], document["deleted"]), (5, 4, 4))
        self.assertEqual({fault["path"] for fault in document["faults"]},
                         {f"cache/{entry.relative_to(self.cache)}" for entry in (data, cut, plain, directory)})
        for entry in (data, cut, plain, directory):
            self.assertFalse(entry.exists())
        self.assertEqual(self.cache_json("verify", "--delete-damaged")["entries"], 2)

    def larder_without_privileges(self, *arguments):
        """As a user who owns self.cache and is not root; skips the test where that cannot be."""
        if os.geteuid() != 0:
            return self.larder(*arguments)
        for path in (self.cache, *self.cache.rglob("*")):
            os.chown(path, 65534, 65534)
        self.work.chmod(0o755)
        program = shutil.copy(PROGRAM, self.work / "larder")
        command = {"cwd": self.work, "capture_output": True, "text": True, "user": 65534, "group": 65534, "extra_groups": []}
        if subprocess.run([program, "--version"], **command).returncode != 0:
            self.skipTest("the program does not run as another user")
        return subprocess.run([program, *arguments], **command)

    def test_what_cannot_be_read_is_2_and_stays(self):
        unreadable, damaged = self.entries()[:2]
        self.damage(damaged)
        unreadable.chmod(0)
        result = self.larder_without_privileges("cache", "verify", "cache", "--delete-damaged", "--json")
        self.assert_complaint(result, 2, "1 entry damaged, 1 of them deleted; 1 could not be read")
        self.assertEqual([fault["code"] for fault in json.loads(result.stdout)["faults"] if not fault["deleted"]], ["EACCES"])
        self.assertTrue(unreadable.exists())
        self.assertFalse(damaged.exists())


class Use(CacheCase):
    def arguments(self, subcommand):
        extra = {"show": [self.key(self.entries()[0])], "prune": ["--max-items", "100", "--dry-run"], "clear": ["absent"]}
        return ["cache", subcommand, "cache", *extra.get(subcommand, [])]

    def test_looking_is_no_use_and_creates_nothing(self):
        for entry in self.entries():
            os.utime(entry, (1_500_000_000, 1_600_000_000))  # as relatime has it: the next reading would count
        before = self.state()
        for subcommand in SUBCOMMANDS:
            self.larder(*self.arguments(subcommand))
            self.assertEqual(self.state(), before, subcommand)

    def test_a_directory_that_is_no_cache_is_refused_and_stays_as_it_is(self):
        other = self.work / "other"
        (other / "data" / "00").mkdir(parents=True)
        (other / "data" / "00" / (30 * "0")).write_text("mine")
        (other / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n# of another program\n")
        (self.work / "empty").mkdir()
        (self.work / "file").write_text("")
        before = sorted(self.work.rglob("*"))
        for subcommand in SUBCOMMANDS:
            command, name, _, *rest = self.arguments(subcommand)
            for directory in "other", "empty":
                self.assert_complaint(self.larder(command, name, directory, *rest), 2, f"{directory}: ", "no larder cache")
            self.assert_complaint(self.larder(command, name, "absent", *rest), 2, "absent: ", "No such file or directory")
            self.assert_complaint(self.larder(command, name, "file", *rest), 2, "file: ", "Not a directory")
            result = self.larder(command, name, "absent", *rest, "--json")
            self.assertEqual(json.loads(result.stdout)["directory"], "absent")
            self.assertEqual(json.loads(result.stdout)["error"]["code"], "ENOENT")
        self.assertEqual(sorted(self.work.rglob("*")), before)

    def test_a_cache_among_other_files_has_no_tag_and_is_one(self):
        for name in ".gitignore", ".larder-lock", "CACHEDIR.TAG":
            (self.cache / name).unlink()
        (self.cache / "notes").write_text("mine")
        self.assertEqual(self.cache_json("stats")["entries"], 6)

    def test_each_subcommand_has_help(self):
        text = self.assert_fine(self.larder("cache", "--help"))
        for word in (*SUBCOMMANDS, "Examples:", "larder cache "):
            self.assertIn(word, text)
        for name in SUBCOMMANDS:
            text = self.assert_fine(self.larder("cache", name, "--help"))
            self.assertIn(f"larder cache {name} ", text)
            self.assertIn("--json", text)
            for line in text.splitlines():
                self.assertLessEqual(len(line), 120)

    def test_wrong_use_is_one_line_with_a_hint(self):
        for arguments in ([], ["nonsense"], ["--json"]):
            self.assert_complaint(self.larder("cache", *arguments), 2, "larder cache --help")
        for name in SUBCOMMANDS:
            for arguments in ([], ["cache", "--nonsense"], ["cache", "a", "b", "c"]):
                self.assert_complaint(self.larder("cache", name, *arguments), 2, f"larder cache {name} --help")
        self.assert_complaint(self.larder("cache", "show", "cache"), 2, "KEY", "larder cache show --help")
        self.assert_complaint(self.larder("cache", "prune", "cache", "--max-age"), 2, "larder cache prune --help")

    def test_full_disk(self):
        for subcommand in SUBCOMMANDS:
            if subcommand == "clear":
                continue  # of a function that is not there, it prints nothing
            with open("/dev/full", "w") as full:
                result = self.larder(*self.arguments(subcommand), capture_output=False, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(result.returncode, 2, subcommand)
            self.assertIn("No space left on device", result.stderr)

    def test_progress_is_drawn_on_a_terminal_and_taken_away(self):
        for subcommand, label in (("ls", "reading"), ("verify", "verifying")):
            master, slave = pty.openpty()
            process = subprocess.Popen([PROGRAM, "cache", subcommand, "cache", "--json"], cwd=self.work,
                                       stdout=subprocess.PIPE, stderr=slave)
            os.close(slave)
            written = written_to(master)
            document = json.loads(process.communicate()[0])
            self.assertEqual((process.returncode, document["directory"]), (0, "cache"))
            first, *drawn, last, end = written.split("\r")
            self.assertEqual((first, last.strip(" "), end), ("", "", ""))
            self.assertGreaterEqual(len(drawn), 1)
            for line in drawn:
                self.assertRegex(line, rf"\A{label} \[#*\.*\] [ \d]{{2}}\d % *\Z")


if __name__ == "__main__":
    unittest.main()
