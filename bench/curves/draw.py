"""One picture for each curve, and its table: every measure over its first value, on a logarithmic axis of sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from curves.meter import MEASURES


def draw(name: str, title: str, unit: str, points: list[dict[str, Any]], folder: Path) -> None:
    """Write NAME.png and NAME.svg; needs matplotlib (the extra `bench`)."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "detent"  # the same picture twice is the same file
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6.0, 3.4), dpi=100)
    for measure, label in MEASURES.items():
        values = [point[measure] for point in points]
        if min(values) > 0:
            relative = [value / values[0] for value in values]
            axes.plot([p["at"] for p in points], relative, marker="o", label=label)
    axes.set_xscale("log", base=2 if name == "engines" else 10)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(unit)
    axes.set_ylabel("cost per unit, first = 1")
    axes.set_title(title, fontsize=10)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png")
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)


def table(unit: str, points: list[dict[str, Any]]) -> str:
    """The points as Markdown, one line for each."""
    names = [name for name in points[0] if name != "at"]
    lines = [f"| {unit} | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for point in points:
        cells = [_plain(point[name]) for name in names]
        lines.append(f"| {point['at']:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
