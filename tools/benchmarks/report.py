"""What the samples of tools/bench say: ratios, their spread, verdicts, and the Markdown table."""

from statistics import median

from rows import OTHER_PEERS

WORTHLESS = 0.25  # a spread from which a median that is not clear of the target says nothing


def quartiles(values):
    """The lower and the upper one, each the median of its half."""
    ordered = sorted(values)
    half = (len(ordered) + 1) // 2
    return median(ordered[:half]), median(ordered[-half:])


def spread(values):
    """The distance between the quartiles, as a part of the median."""
    low, high = quartiles(values)
    middle = median(values)
    return (high - low) / middle if middle else 0.0


def evaluate(row, samples):
    """The row's numbers. samples: a list for each measurement, with None for a round without a value."""
    larder = samples[row.larder_name()]
    floors = [name for name in row.floor_names() if any(v is not None for v in samples.get(name, []))]
    floor_name = min(floors, key=lambda name: median(present(samples[name])), default=None)
    if row.ratio == "absolute":
        values = present(larder)
    else:
        floor = samples[floor_name] if floor_name else []
        pairs = [(mine, bare) for mine, bare in zip(larder, floor) if mine is not None and bare]
        values = [bare / mine if row.ratio == "speed" else mine / bare for mine, bare in pairs]
    result = {
        "row": row.name, "what": row.what, "ratio": row.ratio, "target": row.target, "unit": row.unit,
        "larder": median_or_none(larder), "floor": median_or_none(samples.get(floor_name, [])), "floor_name": floor_name,
        "peers": {peer: median_or_none(samples.get(name, [])) for peer, name in row.peer_names().items()},
        "rounds": len(values),
    }
    if values:
        low, high = quartiles(values)
        result |= {"value": median(values), "quartiles": [low, high], "spread": spread(values)}
    return result | {"verdict": verdict(row, result)}


def present(values):
    return [value for value in values if value is not None]


def median_or_none(values):
    return median(present(values)) if present(values) else None


def verdict(row, result):
    if "value" not in result:
        return "failed"
    if row.target is None:
        return "for information"
    low, high = result["quartiles"]
    if result["spread"] > WORTHLESS and low < row.target < high:
        return "noisy"
    holds = result["value"] >= row.target if row.ratio == "speed" else result["value"] <= row.target
    return "holds" if holds else "misses"


def quantity(value, unit):
    """As people write it."""
    if value is None:
        return "–"
    if unit == "B":
        return f"{value / 2**20:.3g} MiB"
    for factor, name in (1, "s"), (1e-3, "ms"), (1e-6, "us"):
        if value >= factor:
            return f"{value / factor:.3g} {name}"
    return f"{value / 1e-9:.3g} ns"


def markdown(results):
    """The whole report as a page."""
    lines = ["# Benchmarks", ""]
    lines += [f"- {name}: {text}" for name, text in results["conditions"].items()]
    lines += ["", "| row | larder | floor | NumPy | joblib | ratio | target | spread | verdict |",
              "|---|---|---|---|---|---|---|---|---|"]
    notes = [""]
    for group in results["groups"].values():
        for row in group["rows"]:
            absolute = row["ratio"] == "absolute"
            sign = "≥" if row["ratio"] == "speed" else "≤"
            kind = {"speed": " of its speed", "time": " of its time", "absolute": ""}[row["ratio"]]
            target = quantity(row["target"], row["unit"]) if absolute else row["target"]
            cells = [
                row["row"], quantity(row["larder"], row["unit"]), quantity(row["floor"], row["unit"]),
                *(peer_cell(row, peer, results["peers"]) for peer in ("numpy", "joblib")),
                "–" if absolute or "value" not in row else f"{row['value']:.2f}{kind}",
                "–" if row["target"] is None else f"{sign} {target}",
                f"{row['spread']:.0%}" if "spread" in row else "–", row["verdict"],
            ]
            lines.append("| " + " | ".join(cells) + " |")
            others = [f"{peer} {quantity(value, row['unit'])}" for peer, value in row["peers"].items()
                      if peer in OTHER_PEERS and value is not None]
            notes.append(f"- **{row['row']}**: {row['what']}"
                         + (f" ({row['floor_name']})" if row["floor_name"] else "")
                         + (f"; {', '.join(others)}" if others else ""))
    lines += notes + [""]
    for name, group in results["groups"].items():
        control = group["control"]
        lines.append(f"- group {name}: {group['rounds']} rounds counted, {group['disturbed_rounds']} of all were disturbed; "
                     f"in the counted ones other programs used {group['others']:.0%} of a processor, and the control, "
                     f"memcpy on one thread, ran at {control['median']:.1f} GB/s with a spread of {control['spread']:.0%}"
                     + "".join(f"; {error}" for error in group["errors"]))
    return "\n".join(lines) + "\n"


def peer_cell(row, peer, versions):
    if peer not in row["peers"]:
        return "–"
    return quantity(row["peers"][peer], row["unit"]) if versions.get(peer) else "not installed"
