"""What goes wrong with the Hugging Face hub, in one line that says what to do next."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from bgan_text.errors import UserError, reason_of

NETWORK = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3")
"""The modules whose errors are those of a connection; which, depends on the version of huggingface_hub."""
LOGIN = "log in with hf auth login, or set HF_TOKEN"
REFUSED, FORBIDDEN, BUSY = 401, 403, 429


class Unreachable(Exception):  # noqa: N818 - it is an answer, and not an error, where there is a copy
    """The hub cannot be reached, or may not be: it is offline."""


@contextmanager
def reachable() -> Iterator[None]:
    """Errors of the connection in the block become `Unreachable`."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except HfHubHTTPError:
        raise
    except OfflineModeIsEnabled as error:
        raise Unreachable("HF_HUB_OFFLINE is set") from error
    except Exception as error:
        lost = isinstance(error, ConnectionError | TimeoutError | socket.gaierror)
        if lost or type(error).__module__.partition(".")[0] in NETWORK:
            raise Unreachable(reason_of(error)) from error
        raise


@contextmanager
def hub_errors(
    name: str, revision: str | None, endpoint: str | None, *, writing: bool = False
) -> Iterator[None]:
    """Errors of huggingface_hub in the block become a `UserError`.

    Args:
        name: what was asked for, for the message.
        revision: of it, if one was named.
        endpoint: the address of the hub; None for the usual one.
        writing: whether something is uploaded.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise UserError(f"{name} is gated: ask for access on its page, then {LOGIN}") from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(
            f"{name}: the hub has no such model, or it is private: check the name, or {LOGIN}"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UserError(
            f"{name}: the model has no revision {revision}: leave it out for the newest one, or name a "
            "branch, a tag or a commit"
        ) from error
    except errors.EntryNotFoundError as error:
        raise UserError(f"{name} is no model of bgan-text, or damaged: {reason_of(error)}") from error
    except errors.HfHubHTTPError as error:
        raise UserError(f"{name}: {_answer(error, writing=writing)}") from error
    except errors.HFValidationError as error:
        raise UserError(f"{name}: the hub has no such names: {reason_of(error)}") from error
    except Unreachable as error:
        told = endpoint or _usual_endpoint()
        advice = "try again later" if writing else "try again later, or name a folder that was downloaded"
        raise UserError(f"{name}: the hub at {told} cannot be reached ({error}): {advice}") from error
    except ValueError as error:  # of the card, which the hub checks
        raise UserError(f"{name}: the hub refuses the model: {reason_of(error)}") from error


def _answer(error: Exception, *, writing: bool) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == REFUSED:
        return f"the hub does not accept the token (401): {LOGIN}"
    if status == FORBIDDEN:
        wanted = "may not write there (403): take a token with write access, or a name of your own"
        return f"the token {wanted if writing else 'may not read it (403)'}; {LOGIN}"
    if status == BUSY:
        return "the hub is asked too often (429): wait some minutes"
    return f"the hub answers with {status or 'an error'}: {reason_of(error)}; try again later"


def _usual_endpoint() -> str:
    from huggingface_hub import constants

    return str(constants.ENDPOINT)
