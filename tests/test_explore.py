"""A run in a local web page: what is answered, to whom, and how much."""

import base64
import http.client
import io
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch
from PIL import Image

import bgan_text as bt
from bgan_text.corpora.tokenizer import load_tokenizer
from bgan_text.errors import UserError
from bgan_text.exploration import server
from bgan_text.exploration.options import DrawOptions, ScoreOptions
from bgan_text.exploration.walking import between
from bgan_text.training.candidates import scorer

Command = Any
TINY: dict[str, Any] = {"steps": 3, "width": 8, "batch": 8}


@pytest.fixture(scope="module")
def runs(data: bt.DatasetDirectory, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bt.Run]:
    folder = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8)
    images = bt.prepare(pictures, colors=4, out=folder / "images")
    continuous = bt.prepare(pictures, colors="none", out=folder / "continuous")
    numbers = bt.prepare(rng.integers(0, 5, (60, 6)), vocabulary=5, out=folder / "numbers")
    settings: dict[str, tuple[bt.DatasetDirectory, dict[str, Any]]] = {
        "token": (data, {"discriminator_lr": 0.05}),
        "prefix": (data, {"credit": "prefix", "discriminator_lr": 0.05}),
        "sequence": (data, {"generator": "conv", "credit": "sequence"}),
        "wgan": (data, {"objective": "wgan", "generator": "conv"}),
        "mle": (data, {"objective": "mle"}),
        "implicit": (data, {"objective": "implicit"}),
        "numbers": (numbers, {}),
        "images": (images, {}),
        "continuous": (continuous, {}),
    }
    out = folder / "runs"
    return {
        name: bt.train(source, out=out / name, **TINY, **more) for name, (source, more) in settings.items()
    }


@pytest.fixture(scope="module")
def page(runs: dict[str, bt.Run]) -> Iterator[bt.Exploration]:
    with bt.explore(runs["token"]) as opened:
        yield opened


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(
    page: bt.Exploration,
    method: str,
    path: str,
    body: bytes | str | None = None,
    host: str | None = None,
    **headers: str,
) -> Response:
    """Path below the address of the page, or a whole one that begins with /."""
    address = urlsplit(page.url)
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    connection.putrequest(
        method,
        path if path.startswith(("/", "http:")) else address.path + path,
        skip_host=True,
        skip_accept_encoding=True,
    )
    connection.putheader("Host", address.netloc if host is None else host)
    content = body.encode() if isinstance(body, str) else body
    if content is not None and "content_length" not in headers:
        headers["content_length"] = str(len(content))
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders(content)
    found = connection.getresponse()
    return Response(found.status, {name.lower(): value for name, value in found.getheaders()}, found.read())


def asked(page: bt.Exploration, question: str, **values: Any) -> Response:
    return request(page, "POST", f"api/{question}", json.dumps(values), content_type="application/json")


# What is answered


@pytest.mark.parametrize(
    "options",
    [
        {"count": 5, "seed": 4},
        {"count": 3, "temperature": 0.5, "weights": "last"},
        {"count": 3, "candidates": 4, "seed": 9},
        {"count": 3, "candidates": 3, "correct": "prefixes", "step": 3},
    ],
)
def test_the_page_draws_what_the_command_prints(
    page: bt.Exploration, bgan: Command, options: dict[str, Any]
) -> None:
    words = [word for name, value in options.items() if name != "count" for word in (f"--{name}", value)]
    printed = bgan("sample", page.explorer.run.folder, "--n", options["count"], *words)
    found = asked(page, "draw", **options).json
    assert found["samples"] == printed.out.splitlines()
    assert found["step"] == 3
    assert (found["effective"] is not None) == ("Effective candidates" in printed.err)


@pytest.mark.parametrize("name", ["token", "prefix", "sequence", "wgan", "mle", "implicit", "numbers"])
def test_the_ends_of_a_walk_are_the_samples_of_the_seeds(runs: dict[str, bt.Run], name: str) -> None:
    run, explorer = runs[name], bt.Explorer(runs[name])
    texts = [
        [" ".join(map(str, one.tolist())) for one in found] if isinstance(found, torch.Tensor) else found
        for found in (run.sample(4, seed=2, temperature=0.7), run.sample(4, seed=8, temperature=0.7))
    ]
    walks = [
        explorer.walk(first=2, second=8, draw_seed=seed, places=3, count=4, temperature=0.7)
        for seed in (2, 8)
    ]
    assert [walks[0].places[0], walks[1].places[2]] == texts
    assert walks[0].shares == [0.0, 0.5, 1.0]
    assert explorer.walk(first=2, second=8, places=3, count=4, temperature=0.7) == walks[0]


def test_only_the_noise_moves(runs: dict[str, bt.Run]) -> None:
    walked = bt.Explorer(runs["token"]).walk(first=5, second=5, places=5, count=8)
    assert all(place == walked.places[0] for place in walked.places)


def test_a_walk_between_images_shows_pictures(runs: dict[str, bt.Run]) -> None:
    for name in ("images", "continuous"):
        run = runs[name]
        walked = bt.Explorer(run).walk(first=0, second=1, draw_seed=0, places=3, count=2)
        assert np.array_equal(walked.places[0], run.sample(2, seed=0))
        if name == "continuous":  # which follow from the noise alone
            assert np.array_equal(walked.places[2], run.sample(2, seed=1))
        with bt.explore(run) as page:
            sent = asked(page, "draw", count=2, seed=1).json["samples"]
            pixels = [np.array(Image.open(io.BytesIO(base64.b64decode(one.split(",")[1])))) for one in sent]
            assert np.array_equal(pixels, run.sample(2, seed=1))
            assert "images" in asked(page, "score", texts=["a"]).json["error"]


def test_spherical_ways_keep_the_length_and_linear_ones_the_sum(rng: torch.Generator) -> None:
    first, second = torch.randn(50, 64, generator=rng), torch.randn(50, 64, generator=rng)
    for share in (0.0, 0.25, 0.5, 1.0):
        assert torch.allclose(
            between(first, second, share, "linear"), (1 - share) * first + share * second, atol=1e-6
        )
    a, b = (noise / noise.norm(dim=1, keepdim=True) for noise in (first, second))
    angle = (a * b).sum(dim=1).arccos()
    for share in (0.1, 0.5, 0.9):
        on_way = between(a, b, share, "spherical")
        assert torch.allclose(on_way.norm(dim=1), torch.ones(50), atol=1e-5)
        assert torch.allclose((a * on_way).sum(dim=1).arccos(), share * angle, atol=1e-4)
    assert torch.equal(between(first, second, 0.0, "spherical"), first)
    assert torch.equal(between(first, second, 1.0, "spherical"), second)
    assert torch.allclose(between(first, first, 0.5, "spherical"), first)
    assert between(first, -first, 0.5, "spherical").isfinite().all()


@pytest.mark.parametrize("name", ["token", "prefix", "sequence", "wgan"])
def test_scores_are_those_of_the_discriminator(runs: dict[str, bt.Run], name: str) -> None:
    run = runs[name]
    texts = ["The index rose .", "Quokkas said that the mayor said that ."]
    found = bt.Explorer(run).score(*texts, step=3)
    tokenizer = load_tokenizer(run.folder)
    net = run._run.discriminator(torch.device("cpu"), step=3)  # type: ignore[attr-defined]
    rows = torch.zeros(2, 20, dtype=torch.int64)
    for row, text in zip(rows, texts, strict=True):
        row[: len(tokenizer.encode(text))] = torch.tensor(tokenizer.encode(text))
    with torch.no_grad():
        expected = scorer(net, run.config.credit, run.space)(rows)
        assert [one.score for one in found] == pytest.approx(expected.tolist(), abs=1e-5)
        samples = scorer(net, run.config.credit, run.space)(run.sample_tokens(200, seed=0))
        shares = [sum(float(other) > one.score for other in samples) / 200 for one in found]
        assert [one.above for one in found] == pytest.approx(shares, abs=0.006)
        for row, one, text in zip(rows, found, texts, strict=True):
            length = len(tokenizer.encode(text)) + 1
            assert "".join(token.text for token in one.tokens) == f" {text}"
            assert [token.end for token in one.tokens] == [False] * (length - 1) + [True]
            scores: list[float] = []
            for place in range(length) if name == "token" else ():  # a loop, a position at a time
                where = torch.zeros(1, 20, dtype=torch.bool)
                where[0, place] = True
                scores.append(float(net(row[None], where)[0, row[place]]))
            if name == "prefix":
                sums = net(row[None])[0, :length]
                scores = [float(sums[0]), *(float(b - a) for a, b in pairwise(sums))]
            if name in ("sequence", "wgan"):
                assert {(token.score, token.prefix) for token in one.tokens} == {(None, None)}
                continue
            assert [token.score for token in one.tokens] == pytest.approx(scores, abs=1e-5)
            assert [token.prefix for token in one.tokens] == pytest.approx(
                np.cumsum(scores).tolist(), abs=1e-4
            )
            assert one.tokens[-1].prefix == pytest.approx(one.score, abs=1e-4)
    assert [token.text for token in found[1].tokens if token.unknown] == [" Quokkas"]


def test_pieces_of_a_text_join_to_the_text(tmp_path: Path) -> None:
    from bgan_text.exploration.text_scores import pieces_of

    lines = [f"the rose of the garden {number} is a rose" for number in range(100)]
    for name, text in (("bpe", "the rose is ♥ here"), ("char", "a rose"), ("whitespace", "the garden")):
        folder = tmp_path / name
        limit = {"vocabulary": 60} if name == "bpe" else {}
        tokenizer = load_tokenizer(bt.prepare(lines, tokenizer=name, out=folder, **limit).folder)
        pieces = pieces_of(text, tokenizer.encode(text), tokenizer)
        between_words = " " if name == "whitespace" else ""
        assert len(pieces) == len(tokenizer.encode(text))
        assert between_words.join(pieces) == tokenizer.join(tokenizer.encode(text))


def test_a_row_of_numbers_is_scored(runs: dict[str, bt.Run]) -> None:
    explorer = bt.Explorer(runs["numbers"])
    found = explorer.score("1 2 3 4 0 1")[0]
    assert [token.text for token in found.tokens] == ["1", "2", "3", "4", "0", "1"]
    assert not any(token.end or token.unknown for token in found.tokens)
    for text, line in {"1 2": "2 tokens", "1 2 3 4 5 0": "0 to 4", "1 2 3 4 0 1 2": "7 tokens"}.items():
        with pytest.raises(UserError, match=line):
            explorer.score(text)


def test_a_text_that_does_not_fit_leaves_the_others(page: bt.Exploration) -> None:
    found = asked(page, "score", texts=["the index rose .", "a " * 50]).json["texts"]
    assert "has 50 tokens" in found[1]["misfit"]
    alone = asked(page, "score", texts=["the index rose ."]).json["texts"]
    assert found[0]["score"] == pytest.approx(alone[0]["score"], abs=1e-5)
    assert [set(one) for one in asked(page, "score", texts=["a " * 50] * 2).json["texts"]] == [{"misfit"}] * 2


@pytest.mark.parametrize("tokenizer", ["word", "bpe", "char"])
def test_texts_are_scored_in_lower_case_if_the_data_were_prepared_so(tmp_path: Path, tokenizer: str) -> None:
    lines = [f"On Monday I saw The Rose of garden {number % 10}" for number in range(100)]
    limit = {"vocabulary": 60} if tokenizer == "bpe" else {}
    typed, runs = lines[3], {}
    for lowercase in (True, False):
        folder = tmp_path / f"data-{lowercase}"
        data = bt.prepare(lines, tokenizer=tokenizer, lowercase=lowercase, out=folder, **limit)
        runs[lowercase] = bt.train(data, out=tmp_path / f"run-{lowercase}", **TINY)
    lower, cased = bt.Explorer(runs[True]), bt.Explorer(runs[False])
    assert (lower.lowercase, cased.lowercase) == (True, False)
    found = lower.score(typed)[0]
    assert found.text == typed
    assert not any(token.unknown for token in found.tokens)
    assert found.score == pytest.approx(lower.score(typed.lower())[0].score, abs=1e-6)
    assert "Monday" in "".join(token.text for token in cased.score(typed)[0].tokens)
    assert "monday" in "".join(token.text for token in found.tokens)
    for lowercase, run in runs.items():
        shutil.rmtree(tmp_path / f"data-{lowercase}")  # the vocabulary tells it then
        assert bt.Explorer(run).lowercase == lowercase


@pytest.mark.parametrize("name", ["mle", "implicit"])
def test_a_run_without_a_discriminator_scores_nothing(runs: dict[str, bt.Run], name: str) -> None:
    with pytest.raises(UserError, match="scores no text"):
        bt.Explorer(runs[name]).score("a")


def test_an_exported_model_is_explored_as_its_run_is(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    run, folder = runs["token"], tmp_path / "exported"
    run.export(folder)
    of_run, of_export = bt.Explorer(run), bt.Explorer(str(folder))
    assert of_export.draw(count=4, seed=3, candidates=3) == of_run.draw(count=4, seed=3, candidates=3)
    assert of_export.walk(places=3, count=2) == of_run.walk(places=3, count=2)
    assert of_export.score("The index rose .") == of_run.score("The index rose .")
    assert (of_run.weights, of_export.weights) == (("average", "last"), ("average",))
    assert of_export.name == str(folder)


def test_an_exported_model_is_asked_for_the_weights_that_it_has(
    runs: dict[str, bt.Run], tmp_path: Path
) -> None:
    runs["token"].export(tmp_path / "last", weights="last")
    explorer = bt.Explorer(tmp_path / "last")
    assert explorer.draw(count=3, weights="last").samples == runs["token"].sample(3, average=False)
    assert explorer.score("The index rose .")[0].above is not None
    with pytest.raises(UserError, match="was exported with the weights last"):
        explorer.draw(count=3)


def test_an_exported_model_that_has_lost_its_weights_is_told(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    runs["token"].export(tmp_path / "exported")
    (tmp_path / "exported" / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"model\.safetensors is missing: config\.json tells of it"):
        bt.Explorer(tmp_path / "exported")


def test_a_run_that_is_trained_on_is_seen(runs: dict[str, bt.Run], tmp_path: Path) -> None:
    run = bt.train(runs["token"].dataset(), out=tmp_path / "run", generator_lr=0.05, **TINY)
    explorer = bt.Explorer(run)
    before = explorer.draw(count=30, weights="last")
    scored = explorer.score("The index rose .")[0]
    run.resume(steps=6)
    after = explorer.draw(count=30, weights="last")
    assert (before.step, after.step) == (3, 6)
    assert after.samples == run.sample(30, average=False)
    assert after.samples != before.samples
    assert explorer.draw(count=30, weights="last", step=3).samples == before.samples
    assert explorer.draw(count=30).samples == run.sample(30)
    assert explorer.score("The index rose .")[0].score != scored.score
    assert explorer.score("The index rose .", step=3)[0] == scored


# Who may ask


def test_without_the_token_nothing_is_answered(page: bt.Exploration) -> None:
    token = urlsplit(page.url).path.strip("/")
    assert len(token) >= 32
    wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
    paths = ["/", "/page.js", "/api/draw", f"/{wrong}/", f"/{token[:-1]}/", f"/x/../{token}/"]
    paths += [f"http://127.0.0.1/{token}/", f"/?token={token}", "/favicon.ico", "/%2e%2e/"]
    for path in paths:
        for method in ("GET", "POST", "PUT", "OPTIONS", "HEAD"):
            found = request(page, method, path, b"{}", content_type="application/json")
            assert found.status == 403, path
            assert token.encode() not in found.body
    assert request(page, "GET", "").status == 200
    assert request(page, "GET", f"/{token}").headers["location"] == f"/{token}/"


def test_another_name_of_the_host_is_refused(page: bt.Exploration) -> None:
    port = urlsplit(page.url).port
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1:{port}.evil.example", ""):
        assert request(page, "GET", "", host=host).status == 403, host
    assert request(page, "GET", "", host=f"localhost:{port}").status == 200


def test_it_listens_on_the_loopback_address_only(page: bt.Exploration) -> None:
    assert page._server.server_address[0] == "127.0.0.1"
    port = urlsplit(page.url).port
    with pytest.raises(OSError, match=r"refused|timed out|assign|unreachable"):  # not all systems have it
        socket.create_connection(("127.0.0.2", port or 0), timeout=5).close()


def test_other_pages_and_other_contents_are_refused(page: bt.Exploration) -> None:
    body = json.dumps({"count": 1})
    kind = {"content_type": "application/json"}
    path, origin = "api/draw", page.url.split("/")[2]
    assert request(page, "POST", path, body, **kind, origin="http://evil.example").status == 403
    assert request(page, "POST", path, body, **kind, origin="null").status == 403
    assert request(page, "POST", path, body, **kind, origin=f"http://{origin}").status == 200
    for other in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; application/json"):
        assert request(page, "POST", path, body, content_type=other).status == 415
    assert request(page, "POST", path, body).status == 415
    assert request(page, "GET", path).status == 404
    assert request(page, "DELETE", path).status == 405


def test_no_path_leads_to_another_file(page: bt.Exploration) -> None:
    for path in ("../../etc/passwd", "..%2f..%2fetc/passwd", "explore.py", "page.html", "/etc/passwd", "."):
        assert request(page, "GET", path).status == (403 if path.startswith("/") else 404)
    for name in ("", "page.css", "page.js"):
        assert request(page, "GET", name).status == 200


def test_headers_forbid_scripts_and_requests_of_others(page: bt.Exploration) -> None:
    for found in (request(page, "GET", ""), asked(page, "draw", count=1), request(page, "GET", "/")):
        policy = found.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["referrer-policy"] == "no-referrer"
        assert found.headers["cache-control"] == "no-store"
        assert found.headers["server"].strip() == "bgan-text"
        assert "access-control-allow-origin" not in found.headers


# How much


BAD = {
    "`count` 201: it must be below 201": ("draw", {"count": 201}),
    "`count` 0: at least 1": ("draw", {"count": 0}),
    "`temperature` 0.0: a number above 0": ("draw", {"temperature": 0}),
    "`seed` 'a': an integer": ("draw", {"seed": "a"}),
    "`seed` True: an integer": ("draw", {"seed": True}),
    "`candidates` 200 of 200 samples": ("draw", {"count": 200, "candidates": 200}),
    "no checkpoint of step 77": ("draw", {"step": 77}),
    "there is no option 'n'": ("draw", {"n": 3}),
    "unknown way 'around'": ("walk", {"way": "around"}),
    "`places` 1: at least 2": ("walk", {"places": 1}),
    "`places` 42": ("walk", {"places": 42}),
    "there is no text": ("score", {"texts": []}),
    "at most 20": ("score", {"texts": ["a"] * 21}),
    "at most 10,000": ("score", {"texts": ["a" * 10_001]}),
    "at most 20 are scored": ("score", {"texts": [""] * 30}),
    "`texts` 'a'": ("score", {"texts": "a"}),
}


@pytest.mark.parametrize("line", BAD)
def test_bad_values_get_one_line(page: bt.Exploration, line: str) -> None:
    question, values = BAD[line]
    found = asked(page, question, **values)
    assert found.status == 400
    assert line in found.json["error"]
    assert "\n" not in found.json["error"]


def test_bad_requests_are_refused(page: bt.Exploration) -> None:
    kind = {"content_type": "application/json"}
    for body in ("", "{", "[]", "3", '{"count": NaN}', '{"count": 1, "count": 2}', "[" * 20_000, b"\xff\xfe"):
        found = request(page, "POST", "api/draw", body, **kind)
        assert found.status == 400, body
        assert found.json["error"]
    for length in ("-1", "x", "", "1e3", "٣"):
        found = request(
            page, "POST", "api/draw", b"{}", **kind, content_length=length.encode().decode("latin-1")
        )
        assert found.status == 411, length
    large = str(server.MOST_BODY + 1)
    assert request(page, "POST", "api/draw", None, **kind, content_length=large).status == 413
    assert request(page, "POST", "api/draw", None, **kind, content_length="9" * 5000).status == 413
    chunked = request(page, "POST", "api/draw", None, **kind, transfer_encoding="chunked", content_length="2")
    assert chunked.status == 411
    assert request(page, "GET", "x" * 70_000).status == 414


def test_a_request_that_does_not_come_ends(runs: dict[str, bt.Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a request, sent a byte at a time, and more connections than there may be."""
    monkeypatch.setattr(server, "SECONDS_TO_SEND", 1.0)
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 5)
    with bt.explore(runs["token"]) as page:
        address = urlsplit(page.url)
        opened = [socket.create_connection(("127.0.0.1", address.port or 0)) for _ in range(12)]
        begin = time.monotonic()
        for connection in opened:
            connection.settimeout(10)
        ended = 0
        while ended < len(opened) and time.monotonic() - begin < 10:
            ended = 0
            for connection in opened:
                try:
                    connection.sendall(b"G")
                    connection.setblocking(False)
                    ended += connection.recv(1) == b""
                except BlockingIOError:
                    pass
                except OSError:
                    ended += 1
            time.sleep(0.1)
        assert ended == len(opened)
        assert asked(page, "draw", count=1).status == 200
        for connection in opened:
            connection.close()


def test_a_failure_inside_is_one_line_and_the_next_request_works(
    page: bt.Exploration, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(bt.Explorer, "draw", lambda *_: 1 // 0)
        found = asked(page, "draw", count=1)
    assert found.status == 500
    assert found.json == {"error": "ZeroDivisionError: integer division or modulo by zero"}
    assert asked(page, "draw", count=1).status == 200
    assert capfd.readouterr() == ("", "")


def test_options_of_the_page_are_those_of_the_library() -> None:
    assert DrawOptions().sampling(1).temperature == 1.0
    with pytest.raises(UserError):
        ScoreOptions(texts=())


# Beginning and ending


def test_it_ends_and_leaves_nothing(runs: dict[str, bt.Run]) -> None:
    before = sorted(runs["token"].folder.iterdir())
    page = bt.explore(runs["token"].folder)
    assert asked(page, "facts").json["checkpoints"] == [3]
    assert page.url in page._repr_html_()
    page.close()
    page.close()
    with pytest.raises(OSError, match="refused"):
        request(page, "GET", "")
    assert sorted(runs["token"].folder.iterdir()) == before


def test_a_taken_port_and_a_wrong_run_are_one_line(
    page: bt.Exploration, bgan: Command, runs: dict[str, bt.Run], tmp_path: Path
) -> None:
    port = urlsplit(page.url).port
    found = bgan("explore", runs["mle"].folder, "--port", port)
    assert (found.code, found.out) == (1, "")
    assert found.err == f"bgan-text: --port {port} is taken: name another one, or 0 for one that is free\n"
    found = bgan("explore", runs["mle"].folder, "--port", 70_000)
    assert "0 to 65535" in found.err
    assert len(found.err.splitlines()) == 1
    assert "runs/" in bgan("explore").err
    with pytest.raises(UserError, match="port"):
        bt.explore(runs["mle"], port=-1)


def _heed_ctrl_c() -> None:
    """A shell lets what it starts in the background ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_the_command_prints_the_address_and_ends_with_ctrl_c(runs: dict[str, bt.Run]) -> None:
    words = [sys.executable, "-m", "bgan_text.cli", "explore", str(runs["token"].folder), "--no-browser"]
    process = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_ctrl_c if sys.platform != "win32" else None,
    )
    assert process.stdout is not None
    address = urlsplit(process.stdout.readline().strip())
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    connection.request("GET", address.path)
    assert connection.getresponse().status == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "Ctrl-C ends the page.\nEnded.\n")
