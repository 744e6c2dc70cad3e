"""Ways to damage the bytes of a file."""

import json
import random
from collections.abc import Callable
from typing import Any

NASTY: tuple[Any, ...] = (
    None,
    True,
    "x",
    "",
    "\ud800",
    "\x1b[31m",
    "x" * 5000,
    -1,
    0,
    2.5,
    1e20,
    2**31,
    2**63,
    float("nan"),
    float("inf"),
    [],
    {},
    [[[[[[]]]]]],
)


def flip_bit(content: bytes, rng: random.Random) -> bytes:
    place, bit = rng.randrange(len(content)), rng.randrange(8)
    return content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def flip_bit_of_head(content: bytes, rng: random.Random) -> bytes:
    """In the first 512 bytes, where headers are."""
    return flip_bit(content[:512], rng) + content[512:]


def flip_bit_of_tail(content: bytes, rng: random.Random) -> bytes:
    """In the last 512 bytes, where archives, Arrow and Parquet files have their tables."""
    return content[:-512] + flip_bit(content[-512:], rng)


def change_byte(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, 10, 34))]) + content[place + 1 :]


def cut(content: bytes, rng: random.Random) -> bytes:
    return content[: rng.randrange(len(content))]


def append(content: bytes, rng: random.Random) -> bytes:
    return content + rng.choice((b"\0", b"\n", b"{}", rng.randbytes(40)))


def insert(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + rng.randbytes(rng.choice((1, 4, 100))) + content[place:]


def drop(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    return content[:place] + content[place + rng.choice((1, 4, 100)) :]


def blank(content: bytes, rng: random.Random) -> bytes:
    place, size = rng.randrange(len(content)), rng.choice((4, 64, 4096))
    return content[:place] + bytes(len(content[place : place + size])) + content[place + size :]


def large_number(content: bytes, rng: random.Random) -> bytes:
    """Four bytes become a number near the ends of the range, as a size or an offset may be."""
    place = rng.randrange(max(1, len(content) - 4))
    number = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1)).to_bytes(4, rng.choice(("little", "big")))
    return content[:place] + number + content[place + 4 :]


def twice(content: bytes, rng: random.Random) -> bytes:
    return content + content


def empty(content: bytes, rng: random.Random) -> bytes:
    return b""


def json_value(content: bytes, rng: random.Random) -> bytes:
    """A field of a JSON object, at any depth, gets another value, or another name, or goes."""
    try:
        value = json.loads(content)
    except ValueError:
        return flip_bit(content, rng)
    places = list(_places(value))
    if not places:
        return flip_bit(content, rng)
    holder, key = rng.choice(places)
    how = rng.randrange(8)
    if how == 0 and isinstance(holder, dict):
        holder["unknown"] = holder.pop(key)
    elif how == 1:
        del holder[key]
    elif how == 2 and isinstance(holder[key], int | float):
        holder[key] += rng.choice((1, -1))
    else:
        holder[key] = rng.choice(NASTY)
    return json.dumps(value, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def json_text(content: bytes, rng: random.Random) -> bytes:
    """What a JSON reader may choke on."""
    return rng.choice(
        (
            b"[" * 100_000 + b"]" * 100_000,
            b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
            b'{"a": ' + b"9" * 5000 + b"}",
            b"\xff\xfe{}",
            b"null",
            b"[]",
            content.replace(b'":', b'":1,"x":', 1),
            content.replace(b"{", b'{"format": 4, "format": 3,', 1),
        )
    )


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from _places(item)


Mutation = Callable[[bytes, random.Random], bytes]
OF_BYTES: tuple[Mutation, ...] = (
    flip_bit,
    flip_bit,
    flip_bit_of_head,
    flip_bit_of_tail,
    change_byte,
    cut,
    append,
    insert,
    drop,
    blank,
    large_number,
    twice,
    empty,
)
OF_JSON: tuple[Mutation, ...] = (json_value, json_value, json_value, json_text)


def damage(content: bytes, rng: random.Random, *, is_json: bool = False) -> tuple[str, bytes]:
    """Other bytes than `content`, and how they came about."""
    for _ in range(100):
        mutation = rng.choice(OF_JSON + OF_BYTES if is_json else OF_BYTES)
        if not content and mutation not in (append, json_text):
            continue
        changed = mutation(content, rng)
        if changed != content:
            return mutation.__name__, changed
    raise AssertionError("nothing changes these bytes")
