"""User-facing errors, reported in one line."""


class IrsreproError(Exception):
    """A failure whose message is one line: the file, the key, the value and what is allowed."""


class ConfigurationError(IrsreproError):
    """The configuration, the command line or a target asks for something that is not allowed."""


class StorageError(IrsreproError):
    """A file cannot be written, or is not a whole file of this project."""
