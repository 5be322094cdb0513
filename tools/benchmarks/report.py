"""What the samples of tools/bench say: ratios, their spread, verdicts, curves, and which targets are missed."""

from statistics import median

from known_peers import is_installed, must_exist, name_of

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
    return (high - low) / abs(middle) if middle else 0.0


def present(values):
    return [value for value in values if value is not None]


def median_or_none(values):
    return median(present(values)) if present(values) else None


def ratios(these, those):
    """Within each round that has both."""
    return [one / other for one, other in zip(these, those) if one is not None and other]


def absence(who, measurements, samples, versions):
    """Why none of the measurements by `who` has a value, or None if one has."""
    if any(present(samples.get(name, [])) for name in measurements):
        return None
    if not must_exist(who) and not is_installed(who, versions):
        return "not installed"
    return "failed" if any(name in samples for name in measurements) else "not measured"


def absences(names, samples, versions):
    """names: the measurements of each who, a list."""
    reasons = {who: absence(who, measurements, samples, versions) for who, measurements in names.items()}
    return {who: reason for who, reason in reasons.items() if reason}


def evaluate(row, samples, versions):
    """The row's numbers. samples: a list for each measurement, with None for a round without a value."""
    larder = samples.get(row.larder_name(), [])
    floors = [name for name in row.floor_names() if present(samples.get(name, []))]
    floor_name = min(floors, key=lambda name: median(present(samples[name])), default=None)
    floor = samples.get(floor_name, [])
    if row.ratio == "absolute":
        values = present(larder)
    else:
        values = ratios(floor, larder) if row.ratio == "speed" else ratios(larder, floor)
    compared = row.peer_names() | {who_of(name): name for name in row.floor_names() if not must_exist(who_of(name))}
    result = {
        "row": row.name, "what": row.what, "ratio": row.ratio, "target": row.target, "unit": row.unit,
        "larder": median_or_none(larder), "floor": median_or_none(floor), "floor_name": floor_name,
        "peers": {peer: median_or_none(samples.get(name, [])) for peer, name in row.peer_names().items()},
        "absent": absences({peer: [name] for peer, name in compared.items()}, samples, versions),
        "rounds": len(values),
    }
    if values:
        low, high = quartiles(values)
        result |= {"value": median(values), "quartiles": [low, high], "spread": spread(values)}
    return result | {"verdict": verdict(row, result)}


def who_of(measurement):
    return measurement.rpartition("/")[2]


def verdict(row, result):
    if "value" not in result:
        missing = [result["absent"].get(who_of(name)) for name in row.floor_names()]
        return "without peer" if missing and set(missing) <= {"not installed", "not measured"} else "failed"
    if row.target is None:
        return "for information"
    low, high = result["quartiles"]
    if result["spread"] > WORTHLESS and low < row.target < high:
        return "noisy"
    holds = result["value"] >= row.target if row.ratio == "speed" else result["value"] <= row.target
    return "holds" if holds else "misses"


def evaluate_curve(curve, points, samples, versions):
    """The curve's numbers: of each series a median and its quartiles for each point, None where there is none."""
    def summary(values):
        return {"median": median(values), "quartiles": list(quartiles(values)), "rounds": len(values)} if values else None

    names = {who: [curve.measurement(point, who) for point in points] for who in curve.series}
    return {
        "curve": curve.name, "what": curve.what, "x": curve.x, "x_unit": curve.x_unit, "y": curve.y, "unit": curve.unit,
        "points": [curve.x_value(point) for point in points],
        "series": {who: [summary(present(samples.get(name, []))) for name in of_who] for who, of_who in names.items()},
        "absent": absences(names, samples, versions),
    }


def with_verdict(results, *verdicts):
    """The rows of all groups that have one of these."""
    return [row for group in results["groups"].values() for row in group["rows"] if row["verdict"] in verdicts]


def missed(results):
    """Each row whose target is missed: what was wanted and what was measured, as people write it."""
    return [{"row": row["row"], "wanted": wanted(row), "measured": measured(row)}
            for row in with_verdict(results, "misses", "failed")]


def missed_text(results):
    lines = [f"  {miss['row']}: wanted {miss['wanted']}, measured {miss['measured']}" for miss in results["missed"]]
    noisy = with_verdict(results, "noisy")
    with_target = [row for group in results["groups"].values() for row in group["rows"] if row["target"] is not None]
    head = f"Targets missed: {len(lines)} of {len(with_target)}" + (":" if lines else ".")
    tail = [f"Too noisy to say: {', '.join(row['row'] for row in noisy)}"] if noisy else []
    return "\n".join([head, *lines, *tail])


def target(row):
    if row["target"] is None:
        return "–"
    number = quantity(row["target"], row["unit"]) if row["ratio"] == "absolute" else f"{row['target']:g}"
    return ("≥ " if row["ratio"] == "speed" else "≤ ") + number


def wanted(row):
    if row["target"] is None:
        return "a value"
    return target(row) + ("" if row["ratio"] == "absolute" else of_what(row))


def measured(row):
    if "value" not in row:
        return "nothing: it failed"
    return quantity(row["value"], row["unit"]) if row["ratio"] == "absolute" else f"{row['value']:.2f}{of_what(row)}"


def of_what(row):
    """What a ratio is one of: the floor's, a peer's, or larder's own of another row."""
    other, _, who = (row["floor_name"] or "/floor").rpartition("/")
    quantity_of = {"speed": "speed", "time": "time" if row["unit"] == "s" else "memory"}[row["ratio"]]
    if who == "larder":
        return f" of the {quantity_of} of {other}"
    return f" of {'the floor' if must_exist(who) else name_of(who)}'s {quantity_of}"


def quantity(value, unit):
    """As people write it."""
    if value is None:
        return "–"
    if unit == "B":
        return f"{value / 2**20:.3g} MiB"
    for factor, name in (1, "s"), (1e-3, "ms"), (1e-6, "us"):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {name}"
    return f"{value / 1e-9:.3g} ns"


def amount(value, unit):
    """A point of a curve, which is a round number."""
    if unit != "B":
        return quantity(value, unit) if unit else f"{value:,}"
    for factor, name in (10**9, "GB"), (10**6, "MB"), (10**3, "KB"):
        if value >= factor:
            return f"{value / factor:g} {name}"
    return f"{value} B"
