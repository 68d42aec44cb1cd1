"""How numbers are written as a label: 3.5, or width=3.5|height=2."""

from graft.tasks.number_words import ALONE

BETWEEN, IS = "|", "="


def written(value: float) -> str:
    """A number as short as it can be read back."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def numbers_in(label: str) -> dict[str, float] | None:
    """The numbers of a label by their names; None where some of it is no number."""
    found = {}
    for part in label.split(BETWEEN):
        name, is_there, written = part.rpartition(IS)
        try:
            value = float(written)
        except ValueError:
            return None
        found[name.strip() if is_there else ALONE] = value
    return found
