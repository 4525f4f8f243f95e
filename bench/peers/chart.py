"""The chart: steps a second of every system at its best concurrency, in pairs with Detent. PNG and SVG.

matplotlib comes with the `bench` extra. The background is none and the ink a middle grey, so that both a light and a
dark page show it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.peers.report import _rates

INK = "#7d8590"
OURS = "#2f81f7"
THEIRS = "#9a7b4f"


def draw(result: dict[str, Any], folder: Path) -> None:
    """Write peers.svg and peers.png into the folder."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    mpl.rcParams["svg.hashsalt"] = "peers"  # the same figures give the same file
    panels = [
        ("Five durable steps", ("Detent, workers", "Detent, HTTP tasks"), "steps/s"),
        ("Pass states through boto3", (), "transitions/s"),
    ]
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(5, 4))
    for axis, (title, _, unit), chained in zip(axes, panels, (False, True), strict=True):
        _panel(axis, result, title, unit, chained=chained)
    figure.tight_layout()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "peers.svg", transparent=True, metadata={"Date": None})
    figure.savefig(folder / "peers.png", transparent=True, dpi=160, metadata={"Software": None})
    plt.close(figure)


def _panel(axis: Any, result: dict[str, Any], title: str, unit: str, *, chained: bool) -> None:
    names = dict.fromkeys(
        f["system"] for f in result["figures"] if ("boto3" in f["system"]) == chained
    )
    best = {
        name: max(rates.values()) for name in names if (rates := _rates(result["figures"], name))
    }
    labels = [name.replace(", boto3, ", "\n").replace(", ", "\n") for name in best]
    colours = [OURS if name.startswith("Detent") else THEIRS for name in best]
    bars = axis.barh(labels, list(best.values()), color=colours, height=0.62)
    over = {ratio["peer"]: ratio["saturated"] for ratio in result["ratios"]}
    for bar, (name, value) in zip(bars, best.items(), strict=True):
        said = f" {value:,.0f}" + (f"  (Detent {over[name]:.1f}x)" if name in over else "")
        axis.text(
            value, bar.get_y() + bar.get_height() / 2, said, va="center", color=INK, fontsize=9
        )
    axis.set_title(title, color=INK, fontsize=11, loc="left")
    axis.set_xlabel(
        f"{unit}, at the best of 1, 32 and 256 callers" if not chained else f"{unit}, 32 callers",
        color=INK,
    )
    axis.set_xlim(0, max(best.values(), default=1) * 1.45)
    axis.invert_yaxis()
    axis.tick_params(colors=INK, labelsize=9)
    for side, spine in axis.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(INK)
