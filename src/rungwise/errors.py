"""What all errors have in common that are the user's to mend."""


class UserError(Exception):
    """A wrong study, option, file or data set. The message says what was expected, what was got and what to do."""
