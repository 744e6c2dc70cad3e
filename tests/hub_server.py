"""A stand-in for the Hugging Face hub on this machine, as far as huggingface_hub uses it for models.

It answers on loopback: repos/create, model info and tree, validate-yaml, preupload, commits as ndjson,
uploads of large files by the batch API of Git LFS, and resolve with the headers that the client reads.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

TOKEN, READ_ONLY = "hf_writes", "hf_reads"
LARGE = 10_000
"""Bytes from which a file is uploaded by LFS; safetensors always are."""


@dataclass
class Repository:
    private: bool = False
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)

    def commit(self, files: dict[str, bytes]) -> str:
        content = sorted((name, hashlib.sha256(value).hexdigest()) for name, value in files.items())
        sha = hashlib.sha1(repr((len(self.commits), content)).encode()).hexdigest()
        self.commits.append((sha, files))
        self.branches["main"] = sha
        return sha

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        wanted = self.branches.get(revision, revision)
        return next((one for one in self.commits if one[0] == wanted), None)


class Hub:
    """What the stand-in holds. `requests`: method and path of each request."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.url = ""

    def files(self, name: str) -> dict[str, bytes]:
        found = self.repositories[name].at("main")
        assert found is not None
        return found[1]

    def add(self, name: str, files: dict[str, bytes], **more: Any) -> None:
        self.repositories.setdefault(name, Repository(**more)).commit(files)


def git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(name: str, size: int) -> bool:
    return name.endswith(".safetensors") or size >= LARGE


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *words: Any) -> None:
        pass

    def answer(self, status: int, value: Any = None, **headers: str) -> None:
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def refuse(self, status: int, code: str, message: str) -> None:
        self.answer(status, {"error": message}, X_Error_Code=code, X_Error_Message=message)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    @property
    def token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def do_GET(self) -> None:
        self.route()

    do_HEAD = do_POST = do_PUT = do_GET  # noqa: N815

    def route(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        content = self.body()
        if self.token not in (None, TOKEN, READ_ONLY):
            return self.refuse(401, "", "Invalid credentials in Authorization header")
        for pattern, serve in ROUTES:
            if match := re.fullmatch(pattern, path):
                return serve(self, content, *match.groups())
        return self.refuse(404, "NotFound", "no such page")

    def repository(self, name: str) -> Repository | None:
        found = self.hub.repositories.get(name)
        if found is None or (found.private and self.token is None):
            self.refuse(401 if self.token is None else 404, "RepoNotFound", "Repository not found")
            return None
        return found

    def may_write(self) -> bool:
        if self.token == TOKEN:
            return True
        self.refuse(403 if self.token else 401, "", "You don't have the rights to write here")
        return False

    def create(self, content: bytes) -> None:
        told = json.loads(content)
        if not self.may_write():
            return
        name = f"{told['organization']}/{told['name']}"
        url = {"url": f"{self.hub.url}/{name}"}
        if name in self.hub.repositories:
            return self.answer(409, url | {"error": "You already created this model repo"})
        private = told.get("visibility") == "private" or told.get("private") is True
        self.hub.add(name, {".gitattributes": b"*.safetensors filter=lfs\n"}, private=private)
        return self.answer(200, url)

    def info(self, content: bytes, name: str, revision: str | None = None) -> None:
        if (repository := self.repository(name)) is None:
            return None
        if (found := repository.at(revision or "main")) is None:
            return self.refuse(404, "RevisionNotFound", "Invalid rev id")
        sha, files = found
        card = re.match(rb"---\n(.*?)\n---\n", files.get("README.md", b""), flags=re.DOTALL)
        data = yaml.safe_load(card[1]) if card else {}
        return self.answer(
            200,
            {
                "id": name,
                "sha": sha,
                "private": repository.private,
                "library_name": data.get("library_name"),
                "siblings": [
                    {"rfilename": file, "size": len(value), "blobId": git_oid(value)}
                    for file, value in files.items()
                ],
            },
        )

    def tree(self, content: bytes, name: str, revision: str) -> None:
        if (repository := self.repository(name)) is None:
            return None
        if (found := repository.at(revision)) is None:
            return self.refuse(404, "RevisionNotFound", "Invalid rev id")
        entries = [
            {"type": "file", "path": file, "size": len(value), "oid": git_oid(value)}
            for file, value in found[1].items()
        ]
        return self.answer(200, entries)

    def validate(self, content: bytes) -> None:
        card = re.match(r"---\n(.*?)\n---\n", json.loads(content)["content"], flags=re.DOTALL)
        data = yaml.safe_load(card[1]) if card else {}
        if data.get("license") == "refused":
            return self.answer(400, {"errors": [{"message": '"license" must be one of [mit, ...]'}]})
        return self.answer(200, {"errors": [], "warnings": []})

    def preupload(self, content: bytes, name: str, revision: str) -> None:
        if self.repository(name) is None or not self.may_write():
            return
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if is_large(file["path"], file["size"]) else "regular",
                "shouldIgnore": False,
            }
            for file in json.loads(content)["files"]
        ]
        self.answer(200, {"files": modes})

    def batch(self, content: bytes, name: str) -> None:
        if self.repository(name) is None or not self.may_write():
            return
        objects = [
            {**one, "actions": {"upload": {"href": f"{self.hub.url}/upload/{one['oid']}", "header": {}}}}
            for one in json.loads(content)["objects"]
        ]
        self.answer(200, {"transfer": "basic", "objects": objects})

    def upload(self, content: bytes, oid: str) -> None:
        if hashlib.sha256(content).hexdigest() != oid:
            return self.refuse(400, "", "the content has another digest")
        self.hub.blobs[oid] = content
        return self.answer(200, {})

    def commit(self, content: bytes, name: str, revision: str) -> None:
        if (repository := self.repository(name)) is None or not self.may_write():
            return None
        found = repository.at(revision)
        assert found is not None
        files = dict(found[1])
        for line in content.splitlines():
            key, value = (json.loads(line)[part] for part in ("key", "value"))
            if key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        sha = repository.commit(files)
        return self.answer(200, {"commitUrl": f"{self.hub.url}/{name}/commit/{sha}", "commitOid": sha})

    def resolve(self, content: bytes, name: str, revision: str, file: str) -> None:
        if (repository := self.repository(name)) is None:
            return None
        if (found := repository.at(revision)) is None:
            return self.refuse(404, "RevisionNotFound", "Invalid rev id")
        sha, files = found
        if file not in files:
            return self.refuse(404, "EntryNotFound", "Entry not found")
        value = files[file]
        if is_large(file, len(value)):
            oid = hashlib.sha256(value).hexdigest()
            self.hub.blobs[oid] = value
            linked = {"X_Linked_Etag": f'"{oid}"', "X_Linked_Size": str(len(value))}
            place = f"{self.hub.url.replace('127.0.0.1', 'localhost')}/blob/{oid}"  # another host, as a CDN
            return self.answer(302, b"", Location=place, X_Repo_Commit=sha, ETag='"1"', **linked)
        return self.answer(200, value, X_Repo_Commit=sha, ETag=f'"{git_oid(value)}"')

    def blob(self, content: bytes, oid: str) -> None:
        self.answer(200, self.hub.blobs[oid], ETag=f'"{oid}"')


NAME = r"([^/]+/[^/]+)"
ROUTES = (
    (r"/api/repos/create", Handler.create),
    (r"/api/validate-yaml", Handler.validate),
    (rf"/api/models/{NAME}", Handler.info),
    (rf"/api/models/{NAME}/revision/(.+)", Handler.info),
    (rf"/api/models/{NAME}/tree/([^/]+)", Handler.tree),
    (rf"/api/models/{NAME}/preupload/(.+)", Handler.preupload),
    (rf"/api/models/{NAME}/commit/(.+)", Handler.commit),
    (rf"/{NAME}\.git/info/lfs/objects/batch", Handler.batch),
    (r"/upload/([0-9a-f]{64})", Handler.upload),
    (r"/blob/([0-9a-f]{64})", Handler.blob),
    (rf"/{NAME}/resolve/([^/]+)/(.+)", Handler.resolve),
)


@contextmanager
def hub_server() -> Iterator[Hub]:
    """The stand-in, while the block runs."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
