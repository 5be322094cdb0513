#!/usr/bin/env python3
"""plots.py RESULTS DIRECTORY: draws the curves of tools/bench, and a summary, as SVG; prints the names of the files.

RESULTS is what tools/bench wrote as results.json. The same results give the same files, byte by byte.
"""

import json
import sys
import textwrap
from pathlib import Path
from statistics import fmean, median

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402
from matplotlib.patches import FancyBboxPatch  # noqa: E402
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, NullFormatter  # noqa: E402

from known_peers import name_of  # noqa: E402
from report import ratios  # noqa: E402

INK, QUIET, LINE = "#1f2933", "#52606d", "#d9dee5"
LARDER, FLOOR = "#0b5fff", "#7b8794"
COLOURS = {
    "joblib": "#e4572e", "loky": "#e4572e", "numpy": "#2a9d5c", "diskcache": "#b5179e", "multiprocessing": "#f0a202",
    "lmdb": "#2a9d5c", "sqlite": "#f0a202", "cereal": "#0fa3b1", "boost-serialization": "#7a5c3e", "tbb": "#2a9d5c",
    "openmp": "#f0a202", "openmp-static": "#a67c00", "std-par": "#b5179e", "std-async": "#0fa3b1", "pickle": "#f0a202",
    "shared_memory": "#0fa3b1", "threading": "#7a5c3e", "mp-pool": "#2a9d5c",
}

# What a newcomer asks about: rows, whose bars are larder's, those of these peers, and the floor's where it has one.
SUMMARY = (
    ("cache-hit-disk", "A cached call whose result is there", ("joblib",)),
    ("processes-tasks", "A cheap task in two worker processes", ("loky",)),
    ("processes-heap", "80 MB passed to two workers", ("loky",)),
    ("map-large-disk", "{large} MB loaded from disk, mapped", ("joblib", "numpy")),
    ("processes-start", "Two workers started, and their first call", ("loky",)),
)

matplotlib.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "larder", "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"], "font.size": 10,  # Verdana is as wide as DejaVu
    "text.color": INK, "axes.labelcolor": QUIET, "xtick.color": QUIET, "ytick.color": QUIET, "axes.edgecolor": LINE,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": LINE, "grid.linewidth": 0.6,
    "axes.axisbelow": True, "figure.facecolor": "none", "savefig.facecolor": "none", "axes.facecolor": "none",
})


def colour(who):
    return LARDER if who == "larder" else FLOOR if who.startswith("floor") else COLOURS.get(who, INK)


def card(width, height, title):
    """A figure on a white card, so that it can be read on a dark page as well."""
    figure = pyplot.figure(figsize=(width, height))
    figure.add_artist(FancyBboxPatch((0.04, 0.04), width - 0.08, height - 0.08, boxstyle="round,pad=0,rounding_size=0.12",
                                     facecolor="white", edgecolor=LINE, transform=figure.dpi_scale_trans, zorder=-1))
    figure.text(0.3 / width, 1 - 0.28 / height, title, fontsize=12, fontweight="bold", va="top")
    return figure


def save(figure, path):
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def in_units(unit):
    return EngFormatter(unit, sep=" ") if unit else FuncFormatter(lambda value, _: f"{value:,.0f}")


def log_axis(axis, unit):
    axis.set_major_locator(LogLocator(numticks=12))
    axis.set_major_formatter(in_units(unit))
    axis.set_minor_formatter(NullFormatter())


def draw_curve(curve, path):
    points, measured = curve["points"], {}
    for who, summaries in curve["series"].items():
        there = [(x, each["median"], *each["quartiles"]) for x, each in zip(points, summaries) if each]
        if there:
            measured[who] = list(zip(*there))
    title = textwrap.wrap(curve["what"][0].upper() + curve["what"][1:], 72)
    width, height = 7.6, 4.4 + 0.2 * len(title)
    figure = card(width, height, "\n".join(title))
    axes = figure.add_axes([0.95 / width, 0.7 / height, (width - 3.0) / width, (height - 1.25 - 0.2 * len(title)) / height])
    for who, (x, middle, low, high) in measured.items():
        own = who == "larder"
        axes.fill_between(x, low, high, color=colour(who), alpha=0.16, linewidth=0)
        axes.plot(x, middle, color=colour(who), linewidth=2.4 if own else 1.5, zorder=4 if own else 3,
                  linestyle=(0, (4, 2)) if who.startswith("floor") else "-", marker="o", markersize=5 if own else 3.5,
                  markeredgecolor="white", markeredgewidth=0.7)
    axes.set_xscale("log")
    log_axis(axes.xaxis, curve["x_unit"])
    # A logarithmic axis of less than a decade would have no numbers; one with nothing, or less, has no logarithm.
    values = [value for _, *ys in measured.values() for y in ys for value in y]
    if min(values) > 0:
        axes.set_yscale("log")
        low, high = min(values), max(values)
        middle = (low * high) ** 0.5
        axes.set_ylim(min(low / 1.3, middle / 4), max(high * 1.3, middle * 4))
        log_axis(axes.yaxis, curve["unit"])
    else:
        axes.yaxis.set_major_formatter(in_units(curve["unit"]))
    axes.set_xlabel(with_unit(curve["x"], curve["x_unit"]))
    axes.set_ylabel(with_unit(curve["y"], curve["unit"]))
    label_lines(figure, axes, measured)
    save(figure, path)


def with_unit(text, unit):
    return f"{text} ({unit})" if unit else text


def label_lines(figure, axes, measured):
    """Names each line beside the plot, at the height at which it ends, and not over another name."""
    apart = 14 / 72 * figure.dpi
    to_pixels, to_axes = axes.transData.transform, axes.transAxes.inverted().transform
    ends = sorted((to_pixels((x[-1], middle[-1]))[1], who) for who, (x, middle, _, _) in measured.items())
    top = axes.transAxes.transform((0, 1))[1]
    heights = spread_out([height for height, _ in ends], apart, top - apart / 2)
    for (_, who), height in zip(ends, heights):
        x, middle = measured[who][0][-1], measured[who][1][-1]
        to_the_end = x == max(xs[-1] for xs, *_ in measured.values())
        beside = 1.05, to_axes((0, height))[1]
        axes.annotate(name_of(who), (x, middle), xytext=beside, textcoords="axes fraction", va="center", color=colour(who),
                      fontweight="bold" if who == "larder" else "normal", annotation_clip=False,
                      arrowprops={"arrowstyle": "-", "relpos": (0, 0.5), "color": colour(who), "alpha": 0.4, "linewidth": 0.8,
                                  "linestyle": "-" if to_the_end else (0, (1, 4)), "shrinkA": 1, "shrinkB": 4})


def spread_out(heights, apart, top):
    """The ascending heights, moved so that neighbours are `apart` at least: those that are not, around their mean."""
    clusters = []  # of heights; each is placed as a whole
    for height in heights:
        clusters.append([height])
        while len(clusters) > 1 and placed(clusters[-2], apart, top)[-1] + apart > placed(clusters[-1], apart, top)[0]:
            clusters[-2:] = [clusters[-2] + clusters[-1]]
    return [height for cluster in clusters for height in placed(cluster, apart, top)]


def placed(cluster, apart, top):
    room = apart * (len(cluster) - 1)
    lowest = min(fmean(cluster) - room / 2, top - room)
    return [lowest + apart * i for i in range(len(cluster))]


def summary_bars(results):
    """For each row of the summary that was measured: its title, and (who, seconds, how many times larder's)."""
    large = f"{results['large_bytes'] / 1e6:g}"
    for name, title, peers in SUMMARY:
        for group in results["groups"].values():
            for row in group["rows"]:
                if row["row"] != name or row["larder"] is None:
                    continue
                names = {peer: f"{name}/{peer}" for peer in peers}
                if row["floor_name"]:
                    names["floor"] = row["floor_name"]
                own = group["samples"][f"{name}/larder"]
                times = {who: ratios(group["samples"].get(measurement, []), own) for who, measurement in names.items()}
                values = {peer: row["peers"][peer] for peer in peers} | {"floor": row["floor"]}
                yield title.format(large=large), [("larder", row["larder"], 1.0)] + [
                    (who, values[who], median(times[who])) for who in names if times[who]]


def draw_summary(results, path):
    groups = list(summary_bars(results))
    lines = sum(len(bars) + 1.5 for _, bars in groups)
    width, height = 7.6, 1.35 + 0.24 * lines
    figure = card(width, height, "larder beside what it would replace: time, less is better")
    axes = figure.add_axes([1.1 / width, 0.65 / height, (width - 2.6) / width, (height - 1.25) / height])
    everything = [seconds for _, bars in groups for _, seconds, _ in bars]
    left = min(everything) / 4
    axes.set_xscale("log")
    axes.set_xlim(left, max(everything) * 1.5)
    axes.set_ylim(lines, 0)
    y = 0.0
    to_text = EngFormatter("s", places=None, sep=" ")
    for title, bars in groups:
        axes.text(left, y + 0.75, title, fontweight="bold", va="center")
        y += 1.5
        for who, seconds, times in bars:
            axes.barh(y, seconds - left, left=left, height=0.72, color=colour(who), alpha=1 if who == "larder" else 0.75)
            axes.annotate(name_of(who), (0, y), xycoords=axes.get_yaxis_transform(), xytext=(-6, 0), ha="right",
                          textcoords="offset points", va="center", color=colour(who))
            beside = to_text(float(f"{seconds:.3g}")) + ("" if who == "larder" else f"  ×{float(f'{times:.2g}'):,g}")
            axes.annotate(beside, (seconds, y), xytext=(5, 0), textcoords="offset points", va="center", color=QUIET)
            y += 1
    log_axis(axes.xaxis, "s")
    axes.set_xlabel("time (s), logarithmic; × is how many times larder's; floor: bare system calls")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)
    save(figure, path)


def draw(results, directory):
    """Returns the names of the plots."""
    directory.mkdir(parents=True, exist_ok=True)
    names = []
    for group in results["groups"].values():
        for curve in group["curves"]:
            if any(point for series in curve["series"].values() for point in series):
                draw_curve(curve, directory / f"{curve['curve']}.svg")
                names.append(curve["curve"])
    if any(summary_bars(results)):
        draw_summary(results, directory / "summary.svg")
        names.append("summary")
    return names


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(*draw(results, Path(sys.argv[2])), sep="\n")


if __name__ == "__main__":
    main()
