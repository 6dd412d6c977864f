"""What is raised where images cannot be had."""

from rungwise.errors import UserError


class DataError(UserError):
    """A file is missing, wrong or out of reach. The message says which, why, and what to do."""
