"""Damage to files: bytes, tables, JSON and archives, each chosen by a random generator."""

import dataclasses
import io
import json
import zipfile

import numpy as np


@dataclasses.dataclass(frozen=True)
class Mutation:
    """A changed file.

    Attributes:
        name: the kind of change.
        content: the file's new bytes.
        valid: whether it must be read (True) or refused (False); None if it may be either.
        place: what the message must say if the file is refused, such as the row and the column.
    """

    name: str
    content: bytes
    valid: bool | None = None
    place: str = ""


def mutate(kind: str, content: bytes, rng: np.random.Generator) -> Mutation:
    """Changes a valid file once.

    Args:
        kind: "table", "json", "zip", "npz" or "bytes".
        content: the file's bytes.
        rng: decides which change, and where.
    """
    own = {"table": _TABLE, "json": _JSON, "zip": _ZIP, "npz": _ZIP + _NPZ, "bytes": ()}[kind]
    of_bytes = _BYTES if kind != "table" else _BYTES + _TEXT
    changes = own if own and rng.random() < 0.7 else of_bytes
    changed = changes[rng.integers(len(changes))](content, rng)
    if changed.content == content:
        return dataclasses.replace(changed, valid=True)
    return changed


def _flip_bits(content, rng):
    damaged = bytearray(content)
    for at in rng.integers(len(content), size=int(rng.choice([1, 3, 50]))):
        damaged[at] ^= 1 << int(rng.integers(8))
    return Mutation("bits flipped", bytes(damaged))


def _cut(content, rng):
    return Mutation("end cut off", content[: rng.integers(len(content))])


def _cut_out(content, rng):
    first, last = sorted(rng.integers(len(content), size=2))
    return Mutation("middle cut out", content[:first] + content[last:])


def _insert(content, rng):
    at = rng.integers(len(content))
    return Mutation("bytes inserted", content[:at] + rng.bytes(20) + content[at:])


def _overwrite_head(content, rng):
    """Headers have the sizes that a reader may believe."""
    at = int(rng.integers(min(64, len(content))))
    new = (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff")[rng.integers(3)]
    return Mutation("header overwritten", content[:at] + new + content[at + 4 :])


def _empty(content, rng):
    return Mutation("empty", b"", valid=False)


def _long(content, rng):
    at = rng.integers(len(content))
    filler = (b"7", b" ", b",", b"\n", b"\x00", b'"', b"[", b"9 ")[rng.integers(8)]
    return Mutation("a megabyte inserted", content[:at] + filler * 10**6 + content[at:])


_BYTES = (_flip_bits, _cut, _cut_out, _insert, _overwrite_head, _empty, _long)


def _other_encoding(content, rng):
    return Mutation("UTF-16", content.decode().encode("utf-16"), valid=False)


def _byte_order_mark(content, rng):
    return Mutation("byte order mark", b"\xef\xbb\xbf" + content, valid=True)


def _windows_lines(content, rng):
    return Mutation("CR LF", content.replace(b"\n", b"\r\n"), valid=True)


def _semicolons(content, rng):
    return Mutation("semicolons", content.replace(b",", b";"), valid=False)


def _quoted(content, rng):
    rows = [[b'"%b"' % field for field in row] for row in _rows(content)]
    return Mutation("quoted", _joined(rows), valid=True)


def _quote(content, rng):
    at = rng.integers(len(content))
    return Mutation("a quotation mark", content[:at] + b'"' + content[at:])


_TEXT = (_other_encoding, _byte_order_mark, _windows_lines, _semicolons, _quoted, _quote)


def _rows(content):
    return [line.split(b",") for line in content.splitlines()]


def _joined(rows):
    return b"\n".join(b",".join(row) for row in rows) + b"\n"


# What is typed into a cell, and whether it belongs into a coordinate's.
_CELLS = {
    b"nan": True, b"": True, b"-5": True, b" 47.5 ": True, b"+40": True, b"4e1": True,
    b"abc": False, b"1e308": False, b"-1e308": False, b"inf": False, b"1e999": False,
    b"True": False, b"1,5": None, b"40px": False, b"0x1F": None, b"1+2j": False,
    b"9" * 30: False, b"9" * 400: False, b"\xe4": None, b"12 13": False, b"1_0": None,
}  # fmt: skip


def _cell(content, rng):
    rows = _rows(content)
    row, column = int(rng.integers(1, len(rows))), int(rng.integers(len(rows[0])))
    cells = list(_CELLS)
    cell = cells[rng.integers(len(cells))]
    rows[row][column] = cell
    header = rows[0][column].decode()
    is_coordinate = header.endswith(("_x", "_y"))
    valid = _CELLS[cell] if is_coordinate else None
    place = f"row {row} (line {row + 1}), column {header}"
    name = f"cell {cell[:8].decode('latin-1')!r}"
    return Mutation(name, _joined(rows), valid, place * is_coordinate * (valid is False))


def _drop_column(content, rng):
    rows = _rows(content)
    column = int(rng.integers(len(rows[0])))
    name = rows[0][column].decode()
    rows = [row[:column] + row[column + 1 :] for row in rows]
    optional = name == "Location"
    return Mutation("column dropped", _joined(rows), optional, name)


def _rename_column(content, rng):
    rows = _rows(content)
    column = int(rng.integers(len(rows[0])))
    name = rows[0][column].decode()
    rows[0][column] = (b"other", b"", name.upper().encode() + b" ", b'"')[rng.integers(4)]
    return Mutation("column renamed", _joined(rows), None if name == "Location" else False)


def _double_column(content, rng):
    rows = _rows(content)
    column = int(rng.integers(len(rows[0])))
    return Mutation("column twice", _joined([[*row, row[column]] for row in rows]))


def _order_columns(content, rng):
    rows = _rows(content)
    order = rng.permutation(len(rows[0]))
    return Mutation("columns in another order", _joined([[row[i] for i in order] for row in rows]))


def _swap_lines(content, rng):
    rows = _rows(content)
    is_history = rows[0][0] == b"epoch"  # the one table whose rows have an order
    one, other = rng.integers(len(rows), size=2)
    rows[one], rows[other] = rows[other], rows[one]
    return Mutation(
        "lines swapped", _joined(rows), valid=None if one * other == 0 or is_history else True
    )


def _repeat_line(content, rng):
    rows = _rows(content)
    rows.insert(int(rng.integers(len(rows) + 1)), rows[rng.integers(len(rows))])
    return Mutation("line repeated", _joined(rows))


def _drop_line(content, rng):
    rows = _rows(content)
    del rows[rng.integers(len(rows))]
    return Mutation("line dropped", _joined(rows))


def _blank_lines(content, rng):
    rows = _rows(content)
    for at in rng.integers(1, len(rows) + 1, size=3):
        rows.insert(int(at), [b""])
    return Mutation("blank lines", _joined(rows))


def _header_alone(content, rng):
    return Mutation("header alone", _joined(_rows(content)[:1]), valid=False)


def _other_width(content, rng):
    rows = _rows(content)
    row = int(rng.integers(1, len(rows)))
    rows[row] = rows[row][:-1] if rng.random() < 0.5 else [*rows[row], b"7"]
    return Mutation("a field more or less", _joined(rows))


_TABLE = (
    _cell, _cell, _cell, _cell, _drop_column, _rename_column, _double_column, _order_columns,
    _swap_lines, _repeat_line, _drop_line, _blank_lines, _header_alone, _other_width,
)  # fmt: skip

_VALUES = (
    None, True, 0, -5, 7, 10**400, 1e308, float("nan"), float("inf"), "", "abc", "../x", [], [1],
    ["a", 2], [[]], {}, {"a": 1},
)  # fmt: skip


def _places(value, so_far=()):
    """Every path to a value inside JSON's lists and objects."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*so_far, key)
            yield from _places(value[key], (*so_far, key))


def _at_random(content, rng):
    """Parsed JSON, one of its containers, and a key of that; shallow ones are the likelier."""
    parsed = json.loads(content)
    places = list(_places(parsed))
    odds = np.array([4.0 ** -len(place) for place in places])
    place = places[rng.choice(len(places), p=odds / odds.sum())]
    container = parsed
    for key in place[:-1]:
        container = container[key]
    return parsed, container, place


def _replace_value(content, rng):
    parsed, container, place = _at_random(content, rng)
    container[place[-1]] = _VALUES[rng.integers(len(_VALUES))]
    named = f"{'.'.join(map(str, place))} is {str(container[place[-1]])[:8]}"
    return Mutation(f"value: {named}", json.dumps(parsed).encode())


def _drop_value(content, rng):
    parsed, container, place = _at_random(content, rng)
    del container[place[-1]]
    return Mutation(f"value: without {'.'.join(map(str, place))}", json.dumps(parsed).encode())


def _other_json(content, rng):
    value = _VALUES[rng.integers(len(_VALUES))]
    return Mutation("other JSON", json.dumps(value).encode(), valid=False)


def _deep_json(content, rng):
    return Mutation("deep JSON", b"[" * 10**5, valid=False)


_JSON = (*[_replace_value] * 6, _drop_value, _drop_value, _other_json, _deep_json)


def _members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return buffer.getvalue()


def _drop_member(content, rng):
    members = _members(content)
    del members[list(members)[rng.integers(len(members))]]
    return Mutation("member dropped", _archive(members))


def _rename_member(content, rng):
    members = _members(content)
    name = list(members)[rng.integers(len(members))]
    members["../" + name] = members.pop(name)
    return Mutation("member renamed", _archive(members))


def _damage_member(content, rng):
    """Damage that the archive's checksums do not reveal."""
    members = _members(content)
    name = list(members)[rng.integers(len(members))]
    if members[name]:
        members[name] = _BYTES[rng.integers(len(_BYTES))](members[name], rng).content
    return Mutation("member damaged", _archive(members))


_ZIP = (_drop_member, _rename_member, _damage_member, _damage_member)


def _other_array(content, rng):
    members = _members(content)
    name = list(members)[rng.integers(len(members))]
    arrays = (
        np.zeros(3), np.array("{}"), np.array("[]"), np.array(True), np.array(["a", "b"]),
        np.array(np.nan), np.array('{"epochs": "x", "best_epoch": 1, "best": "y"}'),
        np.array('{"epochs": -3, "best_epoch": null, "best": 1}'), np.zeros((2, 2), complex),
    )  # fmt: skip
    buffer = io.BytesIO()
    np.save(buffer, arrays[rng.integers(len(arrays))])
    members[name] = buffer.getvalue()
    return Mutation("another array", _archive(members))


def _huge_array(content, rng):
    members = _members(content)
    name = list(members)[rng.integers(len(members))]
    buffer = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(buffer, header)
    members[name] = buffer.getvalue()
    return Mutation("a huge array", _archive(members), valid=False)


_NPZ = (_other_array, _huge_array)
