"""The error that the frontend raises."""


class FrontendError(ValueError):
    """A network that cannot be taken as it was given; the message names the node and the mend."""
