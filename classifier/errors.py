"""The two ways in which a command can fail; both are shown to the user as one line, never as a traceback."""


class CleansheetError(Exception):
    """It could not be done (exit code 1). The message says what, where and what to do."""

    exit_code = 1


class BadInput(CleansheetError):
    """Wrong use or bad input (exit code 2). The message says what was given, where, and what was expected."""

    exit_code = 2
