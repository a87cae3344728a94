"""Tables and model cards as Markdown."""

from edge.inference.bundle import Accuracy, Description
from edge.signal.imagespec import known_spec
from firmware_tools.evaluate import Figures, accuracy_figures, confidence_figures, per_joint_figures


def figures_markdown(figures: Figures) -> str:
    """The same figures as on the screen; the model's own in bold."""
    lines = [f"| {' | '.join((figures.what, *figures.columns))} |", f"|---|{'--:|' * len(figures.columns)}"]
    for row in figures.rows:
        cells = (f"**{cell}**" if row.own else cell for cell in (row.label, *row.cells))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def accuracy_markdown(entries: list[Accuracy]) -> str:
    """The table of `wimose evaluate`."""
    return figures_markdown(accuracy_figures(entries))


def confidence_markdown(entries: list[Accuracy]) -> str:
    """Empty for a model that says nothing of the kind."""
    figures = confidence_figures(entries)
    if not figures.rows:
        return ""
    return f"Confidence, the percent of joints that the model expects within 150 mm:\n\n{figures_markdown(figures)}\n"


def model_card(description: Description) -> str:
    """MODEL_CARD.md of a bundle: what it is, what it was trained on, what it can and cannot do, by its own figures."""
    spec = known_spec(description.image_spec)
    training = "\n".join(f"- {key}: {value}" for key, value in description.training.items())
    rooms = {entry.room for entry in description.accuracy}
    return f"""# {description.name}

Estimates 17 joints in 3D from the CSI of two Intel 5300 receivers. **Trained on {description.trained_on} data only**;
no figure below was measured on a person.

- network: {description.training.get("network", "wimose")}, int8 weights and activations, outputs {description.outputs}
- input: image spec {spec.name}, {spec.packets} grid points at {spec.rate_hz} Hz ({spec.packets / spec.rate_hz:.2f} s)
- room: {description.room}; measured in: {", ".join(sorted(rooms)) or "nowhere yet"}
- sha256 of model.tflite: {description.sha256}
- wimose {description.version}

## Training

{training}

## Accuracy

Millimetres, degrees, percent of joints; the int8 model as it ships. Baselines know nothing of the CSI. *Canonical* is a
constant pose that is told the true place and heading: a P-MPJPE that is not clearly below it shows no pose. *Shuffled
CSI* is the same model shown another moment.

{accuracy_markdown(description.accuracy)}
P-MPJPE of each joint, in brackets the canonical baseline's:

{figures_markdown(per_joint_figures(description.accuracy))}
{confidence_markdown(description.accuracy)}## Limits

- A model knows the rooms it was trained for. In any other room, yours included, its places mean nothing until that room
  has been calibrated.
- One person at a time. Nobody was simulated with furniture in hand, with a pet, or beside somebody else.
- Simulated echoes are those of limbs as spheroids; `wimose simulate --check` lists where that departs from recordings.

## Licence

{description.licence}
"""
