"""Options as text names them."""

from collections.abc import Sequence


def option_of(value: int, options: Sequence[int], what: str) -> int:
    """Find which option a value is.

    Parameters
    ----------
    value : int
        As the text has it.
    options : sequence of int
        Values that a space knows.
    what : str
        Names the value in the error.

    Returns
    -------
    int
        Place in the options.

    Raises
    ------
    ValueError
        If it is none, naming those that are.
    """
    if value not in options:
        raise ValueError(f"{what} {value} is no option; use {', '.join(map(str, options))}")
    return options.index(value)
