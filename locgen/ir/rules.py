"""Rules that data must keep to."""

__all__ = ["refuse_if"]


def refuse_if(broken: object, rule: str) -> None:
    """Raise ValueError, with the `rule` as its message, if `broken` is true in a condition."""
    if broken:
        raise ValueError(rule)
