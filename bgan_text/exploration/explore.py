"""A run in a local web page."""

import base64
import errno
import html
import io
import os
import secrets
import shlex
import threading
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from PIL import Image

from bgan_text import __version__
from bgan_text.corpora.images import Pixels
from bgan_text.errors import UserError
from bgan_text.exploration.explorer import COMPARED, Explorer
from bgan_text.exploration.options import (
    MOST_CHARACTERS,
    MOST_TEXTS,
    DrawOptions,
    ScoreOptions,
    WalkOptions,
    given,
    limits,
)
from bgan_text.exploration.server import LOOPBACK, Answer, File, PageServer
from bgan_text.exploration.text_scores import TextScore
from bgan_text.runs import Run
from bgan_text.sampling_options import CORRECTIONS
from bgan_text.space import PixelSpace
from bgan_text.training.drawing import Drawing

FILES = {"": "page.html", "page.css": "page.css", "page.js": "page.js"}
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
MOST_PORT = 2**16 - 1
TOKEN_BYTES = 24
SECONDS_TO_END = 10.0
"""How long `close` waits for a request that is being answered."""


class Exploration:
    """A page that is being served, in a thread of its own, until it is closed.

    Attributes:
        url: the address of the page. Whoever has it may ask the run.
        explorer: what the page asks.

    Example:
        >>> page = explore("runs/poems")
        >>> page.explorer.checkpoints
        [3]
        >>> page.close()
    """

    def __init__(self, explorer: Explorer, port: int) -> None:
        self.explorer, token = explorer, secrets.token_urlsafe(TOKEN_BYTES)
        self._server = _listening(port, token, _answers(explorer))
        self.url = f"http://{LOOPBACK}:{self._server.server_port}/{token}/"
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="explore")
        self._thread.start()

    def __enter__(self) -> "Exploration":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Exploration({self.url!r})"

    def _repr_html_(self) -> str:
        """A link, for notebooks."""
        address = html.escape(self.url)
        return f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>'

    def wait(self) -> None:
        """Return when the page is closed, from another thread or by an exception."""
        while not self._closed.wait(1.0):  # without a time, Ctrl-C would not end it on Windows
            pass

    def close(self) -> None:
        """End the page. A second call does nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._server.lock.acquire(timeout=SECONDS_TO_END):  # torch may not be cut off in the middle
            self._server.lock.release()


def explore(run: Run | str | os.PathLike[str], *, port: int = 0) -> Exploration:
    """Open a local page on which one draws samples, walks between noise vectors and scores texts.

    It listens on 127.0.0.1 only, and only for those who have its address, which holds a random token. It
    writes nothing to disk and asks nothing of the network, once a model of the hub is downloaded.

    Args:
        run: the run or exported model, its folder, or `hf:user/name` of the Hugging Face hub.
        port: where it listens; 0 for any that is free.

    Returns:
        The page that is being served: its address is `.url`, and `.close()` or the end of a `with` block
        ends it.

    Raises:
        UserError: the port is taken, or the run has nothing to explore.

    Example:
        >>> with explore("runs/poems") as page:
        ...     page.url.startswith("http://127.0.0.1:")
        True
    """
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= MOST_PORT:
        raise UserError(f"`port` {port!r}: a number of 0 to {MOST_PORT} is needed")
    return Exploration(Explorer(run), port)


def _listening(port: int, token: str, answers: Mapping[str, Answer]) -> PageServer:
    try:
        return PageServer(port, token, _files(), answers)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(f"`port` {port} is taken: name another one, or 0 for one that is free") from error
        raise UserError(f"`port` {port} cannot be used: {error.strerror or error}") from error


def _files() -> dict[str, File]:
    folder = resources.files("bgan_text.exploration")
    return {
        name: (f"{TYPES[Path(file).suffix]}; charset=utf-8", (folder / file).read_bytes())
        for name, file in FILES.items()
    }


def _answers(explorer: Explorer) -> dict[str, Answer]:
    def drawn(values: Any) -> dict[str, Any]:
        found = explorer.draw(given(DrawOptions, values))
        return {"step": found.step, "samples": _sent(found.samples), "effective": found.effective}

    def walked(values: Any) -> dict[str, Any]:
        found = explorer.walk(given(WalkOptions, values))
        return {"step": found.step, "shares": found.shares, "places": list(map(_sent, found.places))}

    def scored(values: Any) -> dict[str, Any]:
        options = given(ScoreOptions, values)
        step = explorer.pinned(options.step)
        misfits = list(map(explorer.misfit, options.texts))
        fitting = [text for text, misfit in zip(options.texts, misfits, strict=True) if misfit is None]
        scores = iter(explorer.score(*fitting, step=step) if fitting else [])
        texts = [_score(next(scores)) if misfit is None else {"misfit": misfit} for misfit in misfits]
        return {"step": step, "texts": texts}

    named = {"facts": lambda _: facts(explorer), "draw": drawn, "walk": walked, "score": scored}
    return {f"api/{name}": answer for name, answer in named.items()}


def facts(explorer: Explorer) -> dict[str, Any]:
    """What the page shows of a run before it is asked anything, and what it may ask."""
    run, config = explorer.run, explorer.run.config
    settings = config.to_json()
    return {
        "version": __version__,
        "run": explorer.name,
        "command": shlex.join(["bgan-text", "sample", explorer.name]),
        "about": [config.generator, config.title, f"noise {config.noise}"],
        "images": explorer.images,
        "continuous": isinstance(run.space, PixelSpace),
        "checkpoints": explorer.checkpoints,
        "best": explorer.best,
        "weights": explorer.weights,
        "no_candidates": Drawing(2).obstacle(settings),
        "no_prefixes": _no_prefixes(explorer, settings),
        "no_scores": explorer.without_scores,
        "remedy": None if explorer.images else _remedy(explorer),
        "compared": COMPARED,
        "lowercase": explorer.lowercase,
        "draw": limits(DrawOptions),
        "walk": limits(WalkOptions),
        "most_texts": MOST_TEXTS,
        "most_characters": MOST_CHARACTERS,
    }


def _no_prefixes(explorer: Explorer, settings: Mapping[str, Any]) -> str | None:
    if isinstance(explorer.run.space, PixelSpace):
        return "continuous images have no prefixes"
    return Drawing(2, CORRECTIONS[1]).obstacle(settings)


def _remedy(explorer: Explorer) -> str:
    """The command that trains a discriminator for a generator that has none."""
    how = ["--objective", "importance", "--freeze-generator", "1"]
    return shlex.join(["bgan-text", "train", "--from", explorer.name, *how])


def _sent(samples: list[str] | list[Pixels]) -> list[str]:
    """Samples as JSON strings: texts, or images as the address of a PNG that holds it."""
    return [one if isinstance(one, str) else _png(one) for one in samples]


def _png(pixels: Pixels) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _score(found: TextScore) -> dict[str, Any]:
    return {**vars(found), "tokens": [vars(token) for token in found.tokens]}
