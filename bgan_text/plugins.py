"""Parts of the user's own, named `module:name`."""

import importlib
from typing import Any

from bgan_text.errors import UserError


def load_object(spec: str, kind: str) -> Any:
    """Import the object called `module:name`. The module is searched for on `sys.path`.

    Args:
        spec: such as "my_corpora:haiku"; the name may have dots.
        kind: what the object is, for messages.

    Raises:
        UserError: there is no such module or name.

    Example:
        >>> load_object("math:pi", "number")
        3.141592653589793
    """
    module, _, name = spec.partition(":")
    if not module or not name:
        raise UserError(f"{kind} {spec!r}: module:name was expected")
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise UserError(f"{kind} {spec!r}: {module} cannot be imported: {error}") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise UserError(f"{kind} {spec!r}: {module} has no {name}")
        found = getattr(found, part)
    return found
