"""The results of tools/bench as a page of Markdown."""

from known_peers import name_of
from report import amount, measured, quantity, target, with_verdict


def markdown(results, plots=()):
    """plots: the names of the curves that have one in the directory plots, beside the page."""
    lines = ["# Benchmarks", "", *(f"- {name}: {text}" for name, text in results["conditions"].items()), ""]
    lines += missed_section(results)
    for name, group in results["groups"].items():
        lines += [f"## {name}", ""]
        if group["rows"]:
            lines += [*rows_table(group["rows"]), "", *(note(row) for row in group["rows"]), ""]
        for curve in group["curves"]:
            lines += curve_section(curve, curve["curve"] in plots)
        lines += [how_quiet(group, results["conditions"]), ""]
    return "\n".join(lines)


def table(head, rows):
    return ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]


def missed_section(results):
    lines = ["## Targets missed", ""]
    if results["missed"]:
        lines += table(["row", "wanted", "measured"],
                       [[miss["row"], miss["wanted"], miss["measured"]] for miss in results["missed"]])
    else:
        lines.append("None of those that were measured.")
    noisy = with_verdict(results, "noisy")
    if noisy:
        lines += ["", "Too noisy to say: " + ", ".join(row["row"] for row in noisy) + "."]
    return lines + [""]


def rows_table(rows):
    peers = list(dict.fromkeys(peer for row in rows for peer in row["peers"]))
    return table(["row", "larder", "floor", *map(name_of, peers), "ratio", "target", "spread", "verdict"],
                 [row_cells(row, peers) for row in rows])


def row_cells(row, peers):
    compared = row["ratio"] != "absolute" and "value" in row
    return [
        row["row"], quantity(row["larder"], row["unit"]), quantity(row["floor"], row["unit"]),
        *(row["absent"].get(peer) or quantity(row["peers"].get(peer), row["unit"]) for peer in peers),
        measured(row) if compared else "–", target(row),
        f"{row['spread']:.0%}" if "spread" in row else "–", row["verdict"],
    ]


def note(row):
    text = f"- **{row['row']}**: {row['what']}" + (f" ({row['floor_name']})" if row["floor_name"] else "")
    if row["verdict"] == "without peer":
        text += "; " + absent(row)
    return text


def curve_section(curve, plotted):
    who = [each for each in curve["series"] if each not in curve["absent"]]
    rows = [[amount(x, curve["x_unit"]), *(point(curve["series"][each][i], curve["unit"]) for each in who)]
            for i, x in enumerate(curve["points"])]
    picture = [f"![{curve['what']}](plots/{curve['curve']}.svg)", ""] if plotted else []
    missing = ["", "Without " + absent(curve) + "."] if curve["absent"] else []
    return [f"### {curve['curve']}", "", f"{curve['y']}: {curve['what']}.", "", *picture,
            *table([curve["x"], *map(name_of, who)], rows), *missing, ""]


def point(summary, unit):
    return quantity(summary["median"], unit) if summary else "–"


def absent(part):
    return ", ".join(f"{name_of(who)} ({reason})" for who, reason in part["absent"].items())


def how_quiet(group, conditions):
    control = group["control"]
    when = "" if group["date"] == conditions["date"] else f", measured {group['date']} with larder {group['larder']}"
    both = group.get("processors")  # not in results of before it was measured, which may stay on a page
    return (f"{group['rounds']} rounds counted{when}; {group['disturbed_rounds']} of all were disturbed; in the counted ones "
            f"other programs used {group['others']:.0%} of a processor, and the control, memcpy on one thread, ran at "
            f"{control['median']:.1f} GB/s with a spread of {control['spread']:.0%}"
            + (f"; two threads at once did {both['low']:.2f} to {both['high']:.2f} times the work of one" if both else "")
            + "".join(f"; {error}" for error in group["errors"]) + ".")
