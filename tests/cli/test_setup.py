"""tools/setup against a made-up package system: what it asks for, and what it runs."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / "tools/setup"


class Setup(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.bin = Path(scratch.name)
        self.calls = self.bin / "calls"
        for tool in ("bash", "cat", "env", "grep", "true"):
            (self.bin / tool).symlink_to(shutil.which(tool))

    def command(self, name, script):
        path = self.bin / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def packages(self, *missing, half_removed=()):
        """dpkg-query as it answers where all but `missing` are installed."""
        self.command("dpkg-query", f"""
            for package in "${{@:3}}"; do
              case " {' '.join(missing)} " in *" $package "*) status=1; continue ;; esac
              case " {' '.join(half_removed)} " in *" $package "*) echo "$package config-files"; continue ;; esac
              echo "$package installed"
            done
            exit ${{status:-0}}""")

    def user(self, uid, sudo):
        self.command("id", f"echo {uid}")
        self.command("sudo", f'echo "sudo $*" >>"{self.calls}"\n' + ('shift; exec "$@"' if sudo else "exit 1"))
        self.command("apt-get", f'echo "apt-get $*, $DEBIAN_FRONTEND" >>"{self.calls}"')

    def run_setup(self, *arguments, **environment):
        result = subprocess.run([SETUP, *arguments], cwd="/", capture_output=True, text=True,
                                env={"PATH": str(self.bin), **environment})
        self.log = self.calls.read_text() if self.calls.exists() else ""
        return result

    def test_silent_and_idle_where_nothing_is_missing(self):
        self.packages()
        self.user(0, sudo=True)
        for arguments in ([], ["--check"]):
            result = self.run_setup(*arguments)
            self.assertEqual((result.returncode, result.stdout, result.stderr, self.log), (0, "", "", ""))

    def test_without_root_it_prints_the_command_for_the_missing_packages_only(self):
        self.packages("libxxhash-dev", "g++", half_removed=["catch2"])
        self.user(1000, sudo=False)
        result = self.run_setup()
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout, "sudo apt-get install g++ libxxhash-dev catch2\n")
        self.assertNotIn("apt-get", self.log)

    def test_check_installs_nothing_even_as_root(self):
        self.packages("ninja-build")
        self.user(0, sudo=True)
        result = self.run_setup("--check")
        self.assertEqual((result.returncode, result.stdout, self.log), (1, "sudo apt-get install ninja-build\n", ""))

    def test_the_fuzzer_s_compiler_is_installed_only_when_it_is_asked_for(self):
        self.packages("clang-19")
        self.user(1000, sudo=False)
        self.assertEqual(self.run_setup("--check").returncode, 0)
        result = self.run_setup("--fuzz", "--check")
        self.assertEqual((result.returncode, result.stdout), (1, "sudo apt-get install clang-19\n"))

    def test_the_benchmark_s_peers_are_installed_only_when_it_is_asked_to(self):
        self.packages("liblmdb-dev", "python3-matplotlib")
        self.user(1000, sudo=False)
        self.assertEqual(self.run_setup("--check").returncode, 0)
        result = subprocess.run([sys.executable, ROOT / "tools/bench", "--setup"], capture_output=True, text=True,
                                env={"PATH": str(self.bin)})
        self.assertEqual((result.returncode, result.stdout),
                         (1, "sudo apt-get install liblmdb-dev python3-matplotlib\n"), result.stderr)

    def test_root_updates_and_installs(self):
        self.packages("ninja-build", "cmake")
        self.user(0, sudo=False)
        result = self.run_setup()
        self.assertEqual(result.returncode, 0, result.stderr)
        update, install = self.log.splitlines()
        self.assertRegex(update, r"^apt-get .*update, noninteractive$")
        self.assertRegex(install, r"^apt-get .*install --yes --no-install-recommends cmake ninja-build, noninteractive$")

    def test_sudo_without_a_password_is_used(self):
        self.packages("cmake")
        self.user(1000, sudo=True)
        result = self.run_setup()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(self.log, r"sudo -n env DEBIAN_FRONTEND=noninteractive apt-get .*install .*cmake\n")
        self.assertRegex(self.log, r"\napt-get .*install .*cmake, noninteractive\n")

    def test_another_system_is_told_what_to_install_unless_it_says_that_it_has_it(self):
        self.user(1000, sudo=True)
        result = self.run_setup()
        self.assertEqual((result.returncode, result.stdout, self.log), (1, "", ""))
        self.assertIn("xxHash", result.stderr)
        self.assertEqual(self.run_setup(LARDER_NO_SETUP="1").returncode, 0)

    def test_unknown_arguments_are_refused(self):
        result = self.run_setup("--chekc")
        self.assertEqual(result.returncode, 2)
        self.assertIn("usage: tools/setup", result.stderr)


if __name__ == "__main__":
    unittest.main()
