"""Objects of the user's own code, named as `module:name`."""

import importlib
from typing import Any

from bgan_text.errors import UserError

UNNAMED = "custom"
"""What stands for the module of an object that has no name of its own in one."""


def spec_of(part: Any) -> str:
    """The `module:name` under which a run records a class or function of the user's.

    An object that has no such name, such as a divergence, is recorded as `custom:` and its own name.
    """
    if hasattr(part, "__qualname__"):
        return f"{part.__module__}:{part.__qualname__}"
    return f"{UNNAMED}:{getattr(part, 'name', type(part).__name__)}"


def may_be(part: Any, recorded: str) -> bool:
    """Whether an object may be the one that a run recorded.

    Only the names after the colon are compared: a module may have moved, or have been run as a script. A
    divergence that was named on the command line and is now passed as an object cannot be told.
    """
    own = spec_of(part)
    (room, name), (other_room, other) = (spec.split(":", 1) for spec in (own, recorded))
    return name == other or (room == UNNAMED) != (other_room == UNNAMED)


def load_object(spec: str, kind: str) -> Any:
    """Import the object that `spec` names.

    The module must be importable: nothing is added to `sys.path` here. Importing it runs its code, so `spec`
    must come from the user, never from a file.

    Args:
        spec: `"module:name"`, such as `"mypackage.scores:rhymes"`.
        kind: what the object is meant to be, for error messages, such as `"score function"`.

    Raises:
        UserError: `spec` has another form, there is no such module, its import fails, or it has no such
            name.

    Example:
        >>> load_object("math:sqrt", "score function")(4.0)
        2.0
    """
    module, _, name = spec.partition(":")
    if not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise UserError(f"{kind} {spec!r}: module:name is expected")
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            # The module is there, but it imports one that is not.
            raise UserError(f"{kind} {spec!r}: importing {module} fails: {error!r}") from error
        raise UserError(f"{kind} {spec!r}: there is no module {module!r}; module:name is expected") from error
    except (Exception, SystemExit) as error:
        raise UserError(f"{kind} {spec!r}: importing {module} fails: {error!r}") from error
    if not hasattr(loaded, name):
        raise UserError(f"{kind} {spec!r}: the module {module!r} has no {name!r}; module:name is expected")
    return getattr(loaded, name)
