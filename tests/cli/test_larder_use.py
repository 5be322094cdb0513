"""The program larder itself: its command line, odd names of files, and what becomes of its output."""

import json
import os
import subprocess
import unittest

from larder_case import LarderCase, PROGRAM

SUBCOMMANDS = ["info", "verify", "reseal", "convert"]


class CommandLine(LarderCase):
    def test_help_names_every_subcommand_and_has_examples(self):
        text = self.assert_fine(self.larder("--help"))
        for word in (*SUBCOMMANDS, "cache", "Examples:", "larder verify", "Exit status"):
            self.assertIn(word, text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 110)

    def test_each_subcommand_has_help(self):
        for name in SUBCOMMANDS:
            text = self.assert_fine(self.larder(name, "--help"))
            self.assertIn(f"larder {name} ", text)
            self.assertIn("--json", text)

    def test_version(self):
        self.assertRegex(self.assert_fine(self.larder("--version")), r"\Alarder \d+\.\d+\.\d+\n\Z")

    def test_wrong_use_is_one_line_with_a_hint(self):
        for arguments in ([], ["nonsense"], ["--nonsense"]):
            self.assert_complaint(self.larder(*arguments), 2, "larder --help")
        for arguments in (["info"], ["verify"], ["reseal"], ["convert"], ["convert", "a"], ["convert", "a", "b", "c"],
                          ["info", "--nonsense", "a"], ["verify", "--compress", "1", "a"], ["convert", "a", "b", "--compress"]):
            self.assert_complaint(self.larder(*arguments), 2, f"larder {arguments[0]} --help")


class Names(LarderCase):
    def test_names_that_a_command_line_could_misread(self):
        names = ["[a,b]", "[a", "{}", "verify", "a b", "a=b", "%%", "--", "-x", "--json", "'q'", '"q"']
        for name in names:
            self.take("f64.npy", name)
        stdout = self.assert_fine(self.larder("verify", *names[:7], "--", *names[7:]))
        self.assertEqual(len(stdout.splitlines()), len(names))
        self.assert_fine(self.larder("convert", "--", "[a,b]", "-y"))
        self.assertTrue((self.work / "-y").exists())

    def test_names_of_any_bytes(self):
        for name in b"\xff\xfe", b"new\nline\x1b[31m", "é".encode():
            (self.work / os.fsdecode(name)).write_bytes((self.samples / "f64.npy").read_bytes())
            for subcommand in "info", "verify", "reseal":
                text = self.assert_fine(self.larder(subcommand, name))
                self.assertNotIn("\x1b", text)
                result = subprocess.run([PROGRAM, subcommand, "--json", name], cwd=self.work, capture_output=True)
                self.assertEqual(result.returncode, 0)
                self.assertEqual(json.loads(result.stdout.decode())["file"], name.decode(errors="replace"))
            self.assertEqual(len(self.assert_fine(self.larder("verify", name)).splitlines()), 1)
        result = self.larder("info", "--json", b"\xff absent")
        self.assert_complaint(result, 2, "absent")
        self.assertEqual(json.loads(result.stdout)["file"], "\ufffd absent")

    def test_what_is_no_regular_file_does_not_hang(self):
        os.mkfifo(self.work / "pipe")
        self.assert_complaint(self.larder("info", "pipe"), 2, "pipe")
        self.assertEqual(self.larder("verify", "/dev/null").returncode, 2)


class Output(LarderCase):
    COMMANDS = [["--help"], ["--version"], ["info", "large.npy"], ["info", "--json", "large.npy"], ["verify", "large.npy"],
                ["reseal", "large.npy"], ["convert", "large.npy", "a.npy"]]

    def setUp(self):
        super().setUp()
        self.take("large.npy")

    def test_full_disk(self):
        for command in self.COMMANDS:
            with open("/dev/full", "w") as full:
                result = self.larder(*command, capture_output=False, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(result.returncode, 2, command)
            self.assertIn("No space left on device", result.stderr)

    def test_broken_pipe(self):
        for command in self.COMMANDS:
            read, write = os.pipe()
            os.close(read)
            result = self.larder(*command, capture_output=False, stdout=write, stderr=subprocess.PIPE)
            os.close(write)
            self.assertEqual((result.returncode, result.stderr), (2, ""), command)

    def test_closed_streams_do_not_end_up_in_files(self):
        for streams in ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-":
            command = subprocess.run(["sh", "-c", f'"$0" convert large.npy a.npy {streams}', PROGRAM], cwd=self.work,
                                     capture_output=True)
            self.assertEqual(command.returncode, 2 if ">&-" in streams.replace("2>&-", "") else 0, streams)
            self.assertEqual((self.work / "a.npy").read_bytes(), (self.samples / "large.npy").read_bytes(), streams)


class Metadata(LarderCase):
    """Metadata are checked against their digest, not for being JSON."""

    def with_metadata(self, text):
        import xxhash  # what the file is made up with
        import struct
        content = bytearray((self.samples / "f64.npy").read_bytes())
        index = len(content) - 192
        metadata = content[:index] + text
        metadata += bytes(-len(metadata) % 64)
        at = len(metadata)
        digest = xxhash.xxh3_128_intdigest(text).to_bytes(16, "little")
        head = bytearray(content[index:index + 64])
        struct.pack_into("<I", head, 8, 2)
        struct.pack_into("<Q", head, 32, at)
        entry = struct.pack("<QQQIBBBB16sII8s", index, len(text), len(text), 0, 3, 0, 2, 0, digest, 0, 6, bytes(8))
        new_index = bytes(head) + content[index + 64:index + 128] + entry
        trailer = struct.pack("<QQQQIIHH", at, len(new_index), xxhash.xxh3_64_intdigest(new_index),
                              at + len(new_index) + 64, 0, 0, 1, 0)
        trailer += bytes(4) + struct.pack("<Q", xxhash.xxh3_64_intdigest(trailer)) + b"\r\nLRDEND"
        (self.work / "m.npy").write_bytes(metadata + new_index + trailer)

    def test_what_is_no_json_is_shown_as_text(self):
        try:
            import xxhash  # noqa: F401
        except ImportError:
            self.skipTest("python3-xxhash is not installed")
        for text in b"no json\x1b[31m", b"\xff", b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 300 + b"1" + b"}" * 300:
            self.with_metadata(text)
            shown = self.assert_fine(self.larder("info", "m.npy"))
            self.assertNotIn("\x1b", shown)
            self.assertEqual(self.fine_json("info", "m.npy")["metadata"], text.decode(errors="replace"))
        self.with_metadata(b'{"b": [1, {"c": null}], "a": "\\u001b"}')
        self.assertEqual(self.fine_json("info", "m.npy")["metadata"], {"b": [1, {"c": None}], "a": "\x1b"})


if __name__ == "__main__":
    unittest.main()
