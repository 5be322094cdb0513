"""SIGKILL at any moment: a cache that is being filled holds whole entries or none, and nothing else."""

import random
import shutil
import subprocess
import time
import unittest

import numpy as np

from convolve_case import BACKENDS, PROGRAM, ConvolveCase, cache_entries, files_in
from convolve_reference import agree, reference
from larder_file import read_container

KILLS = 200
SECONDS = 0.12  # that a whole run is to take


class Kind:
    """A kind of run: a spectrum and resolutions. Runs of one kind differ by a factor on the flux, which is a factor on
    the result, so that NumPy has to compute it once."""

    def __init__(self, name, samples, resolutions):
        self.name = name
        self.samples = samples
        self.resolutions = resolutions

    def scaled(self, factor):
        return self.samples * [1, factor]

    def expected(self, factor):
        if not hasattr(self, "results"):
            self.results = np.column_stack([reference(self.samples, resolution) for resolution in self.resolutions])
        return np.column_stack([self.samples[:, 0], factor * self.results])


def wavy(count):
    wavelengths = np.linspace(500, 500 + count * 0.002, count)
    return np.column_stack([wavelengths, 2 + np.sin(50 * wavelengths)])


class Kill(ConvolveCase):
    def arguments(self, kind, spectrum, output, cache):
        return ["--resolutions", ",".join(map(str, kind.resolutions)), "--cache", cache, "--output", output, spectrum]

    def seconds(self, kind):
        """Of a whole run that finds nothing in the cache, when nothing else disturbs it."""
        np.save(self.work / "measured.npy", kind.samples)
        times = []
        for _ in range(5):
            start = time.monotonic()
            self.sources(self.run_convolve(*self.arguments(kind, "measured.npy", "measured-out.npy", "measured")))
            times.append(time.monotonic() - start)
            shutil.rmtree(self.work / "measured")
        for name in "measured.npy", "measured-out.npy":
            (self.work / name).unlink()
        return min(times)

    def kinds(self):
        """Runs that mostly compute and runs that mostly store, with their seconds; both last about SECONDS here."""
        resolutions = [7000, 9000, 11000, 13000]
        count = 4000
        scale = SECONDS / self.seconds(Kind("", wavy(count), resolutions))
        long = Kind("long", wavy(max(500, int(count * scale))), resolutions)
        count = 20
        scale = SECONDS / self.seconds(Kind("", wavy(600), [10000 + i for i in range(count)]))
        many = Kind("many", wavy(600), [10000 + i for i in range(max(5, int(count * scale)))])
        return [[kind, self.seconds(kind)] for kind in (long, many)]

    def test_entries_are_whole_or_absent_whenever_the_program_is_killed(self):
        chance = random.Random(20120407)
        kinds = self.kinds()
        runs = []  # (kind, factor, spectrum)
        outputs = {}  # name to (kind, factor)
        killed = attempts = 0
        unfinished = False
        while killed < KILLS:
            attempts += 1
            self.assertLess(attempts, 10 * KILLS, f"only {killed} runs were killed before their end")
            # Half of those that were killed are taken up again: they go on from what they find.
            if not unfinished or chance.random() < 0.5:
                of_kind = kinds[len(runs) % 2]
                kind = of_kind[0]
                factor = 1 + len(runs) / 1024
                # Parsed text is a cached result, too.
                spectrum = f"{kind.name}{len(runs)}." + ("txt" if len(runs) % 4 < 2 else "npy")
                if spectrum.endswith("txt"):
                    np.savetxt(self.work / spectrum, kind.scaled(factor), fmt="%.17g")
                else:
                    np.save(self.work / spectrum, kind.scaled(factor))
                runs.append((kind, factor, spectrum))
            kind, factor, spectrum = runs[-1]
            output = f"out{attempts}.npy"
            outputs[output] = kind, factor
            arguments = ["--backend", chance.choice(BACKENDS), *self.arguments(kind, spectrum, output, "cache")]
            process = subprocess.Popen([PROGRAM, *arguments], cwd=self.work, env=self.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(chance.uniform(0, of_kind[1]))
            process.kill()
            messages = process.communicate()[1]  # returns when children are gone, too
            self.assertIn(process.returncode, (0, -9), messages)
            self.assertEqual(messages, b"")
            unfinished = process.returncode == -9
            killed += unfinished
            # Half of them get to their end, also where the machine has become slower or faster.
            of_kind[1] *= 1.1 if unfinished else 0.9
            self.assertTrue(unfinished or (self.work / output).exists())

        # What is there before anything could mend it.
        entries = cache_entries(self.work / "cache")
        self.assertGreater(len(entries), len(runs))
        self.assertEqual(self.temporary_files(), [])
        names = {str(path.relative_to(self.work)) for path in files_in(self.work)}
        names = {name for name in names if not name.startswith("cache/")}
        spectra = {spectrum for _, _, spectrum in runs}
        self.assertLessEqual(names, spectra | set(outputs))
        for output in names - spectra:
            kind, factor = outputs[output]
            agree(read_container(self.work / output)[0], kind.expected(factor))

        found = 0
        for kind, factor, spectrum in runs:
            sources = self.sources(self.run_convolve(*self.arguments(kind, spectrum, "again.npy", "cache")))
            agree(read_container(self.work / "again.npy")[0], kind.expected(factor))
            found += sources.count("cache")
            # What was computed comes before what was not.
            self.assertEqual(sources, sorted(sources))
        # Every entry was whole in the program's eyes as well.
        results = [name for name in entries if name.startswith("convolve.convolved/")]
        self.assertEqual(found, len(results))
        self.assertEqual(self.temporary_files(), [])
        cache_entries(self.work / "cache")
        print(f"{killed} of {attempts} runs killed, {len(runs)} different ones, {len(entries)} entries found whole")


if __name__ == "__main__":
    unittest.main()
