#!/usr/bin/env python3
"""Reads a spool of Relaykit: a second implementation of docs/FORMAT.md, Python 3.9 or newer, standard library only.

    python3 relay_reader.py SPOOL...     prints one line of JSON for each spool:

    {"formatVersion", "spoolId",
     "events":   [{"segmentId", "event"}],           what waits, segment by segment in the order of the names
     "damage":   [{"segmentId", "positionBytes"}],   what could not be read; everything intact beside it was
     "skipped":  [{"segmentId", "why"}],             formats that the standard library cannot read
     "accounts": {"pending", "delivered", "quarantined", "dropped", "lost", "repeated", "unsealedFiles"}}

It takes no lock and writes nothing, so it is safe beside living writers. Exit codes: 0 done, 1 no spool of format version 1
or not to be read, 2 wrong use.
"""
import datetime
import hashlib
import json
import os
import re
import struct
import sys
import zlib

ID = re.compile(r"\A(\d{8}T\d{9}Z)-(\d{12,16})-([0-9a-z]{10})\Z", re.ASCII)
EXTENSION = re.compile(r"\A[a-z0-9]+(?:\.[a-z0-9]+){0,3}\Z")
NOT_LAST = {"open", "held", "atomic", "salvage", "gone", "tmp", "json", "bak", "old", "orig", "swp"}
NOT_BEFORE = {"open", "held", "atomic", "salvage", "gone", "tmp", "meta", "export", "bak", "old"}
UNFINISHED = {"open", "held", "atomic"}
MAX_NUMBER = 2**53 - 1
MAX_SPOOL_BYTES, MAX_METADATA_BYTES, MAX_LINE_BYTES = 4096, 64 * 1024, 64 * 1024 * 1024
OUTCOMES = {"delivered", "quarantined", "dropped"}


class NotASpool(Exception):
    """The directory is not a spool that this reader knows."""


# --- Names ---------------------------------------------------------------------------------------------------------


class Name:
    """A file of a segment: its id, the parts of the id, its extension, and what kind of file it is."""

    def __init__(self, file_name, segment_id, extension, kind, reason=None):
        self.file_name, self.id, self.extension, self.kind, self.reason = file_name, segment_id, extension, kind, reason
        _, sequence, self.writer_id = segment_id.split("-")
        self.first_sequence = int(sequence)


def created_at(segment_id):
    """The time in an id; None where the text is no id."""
    match = ID.match(segment_id)
    if not match or int(match.group(2)) > MAX_NUMBER:
        return None
    digits = match.group(1)
    try:
        return datetime.datetime.strptime(digits[:15] + digits[15:18] + "000", "%Y%m%dT%H%M%S%f")
    except ValueError:
        return None


def next_millisecond(segment_id):
    """The id that a salvage takes: a millisecond later, with the same number and writer. None at the end of time."""
    try:
        later = created_at(segment_id) + datetime.timedelta(milliseconds=1)
    except OverflowError:
        return None
    _, rest = segment_id.split("-", 1)
    return "%04d%s%03dZ-%s" % (later.year, later.strftime("%m%dT%H%M%S"), later.microsecond // 1000, rest)


def is_extension(text):
    if not EXTENSION.match(text):
        return False
    *before, last = text.split(".")
    return last not in NOT_LAST and not NOT_BEFORE.intersection(before)


def parse_name(file_name):
    """The segment file that a name stands for; None for metadata, state, and files that are not ours."""
    segment_id, dot, rest = file_name.partition(".")
    if not dot or created_at(segment_id) is None:
        return None
    gone = re.match(r"\A([A-Za-z0-9]{1,40})\.gone\Z", rest)
    if gone:
        return Name(file_name, segment_id, None, "gone", gone.group(1))
    if is_extension(rest):
        return Name(file_name, segment_id, rest, "sealed")
    extension, _, kind = rest.rpartition(".")
    if kind in UNFINISHED | {"salvage"} and is_extension(extension):
        return Name(file_name, segment_id, extension, kind)
    return None


# --- Small files ---------------------------------------------------------------------------------------------------


def read_up_to(path, limit=None):
    """The bytes of a file; None where it is gone, is no plain file, or is longer than it may be."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NOFOLLOW", 0))) as file:
            content = file.read() if limit is None else file.read(limit + 1)
    except (FileNotFoundError, IsADirectoryError):
        return None
    return content if limit is None or len(content) <= limit else None


def refuse_constant(word):
    raise ValueError(word + " is no JSON")


def parse_integer(digits):
    return int(digits) if len(digits) <= 17 else float(digits)


def parse_json(text_bytes):
    """Exactly one JSON value in valid UTF-8, else ValueError. Python alone would also take NaN and a byte order mark."""
    text = text_bytes.decode("utf-8")
    try:
        return json.loads(text, parse_constant=refuse_constant, parse_int=parse_integer)
    except RecursionError:
        raise ValueError("nested too deeply for this reader") from None


def parse_object(text_bytes):
    try:
        value = parse_json(text_bytes)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_NUMBER


def read_spool_id(directory):
    path = os.path.join(directory, "spool.json")
    content = read_up_to(path, MAX_SPOOL_BYTES)
    spool = parse_object(content) if content is not None else None
    if spool is None:
        raise NotASpool("%s is no whole spool.json" % path)
    if spool.get("formatVersion") != 1:
        raise NotASpool("%s has format version %r; this reader knows 1" % (path, spool.get("formatVersion")))
    return spool.get("spoolId")


REQUIRED = {
    "spoolId": str, "sha256": str, "format": dict, "createdAt": str, "sealedAt": str, "sealReason": str, "exportReady": bool,
}


def read_metadata(directory, name):
    """The metadata of a segment; None where there is none that agrees with the name."""
    content = read_up_to(os.path.join(directory, name.id + ".meta.json"), MAX_METADATA_BYTES)
    metadata = parse_object(content) if content is not None else None
    if metadata is None or metadata.get("formatVersion") != 1:
        return None
    if "checksum" in metadata and not is_checked(content, metadata["checksum"]):
        return None
    if any(not isinstance(metadata.get(key), kind) for key, kind in REQUIRED.items()):
        return None
    if not is_count(metadata.get("eventCount")) or not is_count(metadata.get("bytes")):
        return None
    agrees = (metadata.get("id"), metadata.get("writerId"), metadata.get("firstSequence"))
    return metadata if agrees == (name.id, name.writer_id, name.first_sequence) else None


def is_checked(content, checksum):
    """Whether that is the SHA-256 of the bytes in front of the last member, which is the checksum itself."""
    members, comma, _ = content.rpartition(b',\n  "checksum": "')
    return bool(comma) and checksum == hashlib.sha256(members).hexdigest()


def extension_in(metadata):
    return metadata["format"].get("fileExtension")


# --- The ledger ----------------------------------------------------------------------------------------------------


class Ledger:
    def __init__(self, directory):
        self.records, self.writers, self.former = {}, {}, {}
        content = read_up_to(os.path.join(directory, "ledger.ndjson")) or b""
        # The part behind the last line feed was cut off by a crash, or is being written.
        for line in content.split(b"\n")[:-1]:
            value = parse_object(line)
            if value is not None:
                self.take(value)

    def take(self, line):
        kind, segment_id = line.get("kind"), str(line.get("id"))
        if kind == "segment" and self.is_record(line):
            earlier = self.records.get(segment_id)
            replaces = line.get("from") == "quarantine" and earlier and earlier["outcome"] == "quarantined"
            if earlier is None or replaces:
                self.records[segment_id] = line
        elif kind == "requeued" and self.records.get(segment_id, {}).get("outcome") == "quarantined":
            del self.records[segment_id]
        elif kind == "writer" and isinstance(line.get("writerId"), str):
            self.writers[line["writerId"]] = line
        elif kind == "former":
            self.former = line

    @staticmethod
    def is_record(line):
        is_named = isinstance(line.get("id"), str) and created_at(line["id"]) is not None
        counts = (line.get("firstSequence"), line.get("eventCount"), line.get("claimedEvents", 0), line.get("bytes"))
        return is_named and line.get("outcome") in OUTCOMES and all(map(is_count, counts))


# --- Which files are segments --------------------------------------------------------------------------------------


def list_names(directory):
    names = [parse_name(file_name) for file_name in sorted(os.listdir(directory))]
    return without_copies(directory, [name for name in names if name is not None])


def without_copies(directory, names):
    """An id has one segment: that of its metadata, before there is metadata the unfinished one. Others are copies."""
    kept = []
    for name in names:
        same = [other for other in names if other.id == name.id and other.kind != "gone"]
        if name.kind != "gone" and len({other.extension for other in same}) > 1:
            metadata = read_metadata(directory, name)
            unfinished = [other.extension for other in same if other.kind != "sealed"]
            extension = extension_in(metadata) if metadata else unfinished[0] if unfinished else name.extension
            if name.extension != extension:
                continue
        kept.append(name)
    return kept


def readable_names(names):
    sealed = {name.id for name in names if name.kind == "sealed"}
    for name in names:
        if name.kind == "sealed":
            yield name
        # A listing made during a rename may name a file twice. What was salvaged of one stands in its own segment.
        elif name.kind in UNFINISHED and name.id not in sealed and next_millisecond(name.id) not in sealed:
            yield name


def read_segments(directory, names, ledger):
    """Yields (name, metadata or None, bytes) of what waits, in the order of the ids."""
    waiting = sorted(readable_names(names), key=lambda name: name.id)
    listed = {name.id for name in waiting}
    while waiting:
        name = waiting.pop(0)
        metadata = read_metadata(directory, name)
        if metadata and extension_in(metadata) != name.extension:
            continue
        continued_in = metadata.get("continuedIn") if metadata else None
        if isinstance(continued_in, str) and created_at(continued_in) and continued_in not in listed:
            listed.add(continued_in)
            file_name = "%s.%s.salvage" % (continued_in, name.extension)
            waiting.insert(0, Name(file_name, continued_in, name.extension, "salvage"))
        # An atomic flush counts from its metadata on; a file without metadata may be a copy of what is settled.
        if metadata is None and (name.kind == "atomic" or (name.kind == "sealed" and name.id in ledger.records)):
            continue
        content = None
        for file_name in (name.file_name, "%s.%s" % (name.id, name.extension)):
            content = read_up_to(os.path.join(directory, file_name))
            if content is not None:
                break
        if content is not None:
            yield name, metadata, content[: metadata["bytes"]] if metadata else content


# --- Events of a segment -------------------------------------------------------------------------------------------


def whole_lines(content):
    """Yields (position, event) of each whole line; for the event BROKEN where damage begins, TORN where the tail does."""
    position, damaged_at = 0, None
    while position < len(content):
        feed = content.find(b"\n", position)
        end = len(content) if feed < 0 else feed + 1
        try:
            if feed < 0 or end - position > MAX_LINE_BYTES:
                raise ValueError("no whole line")
            event = parse_json(content[position:feed])
        except ValueError:
            damaged_at = position if damaged_at is None else damaged_at
        else:
            if damaged_at is not None:
                yield damaged_at, BROKEN
            damaged_at = None
            yield position, event
        position = end
    if damaged_at is not None:
        yield damaged_at, TORN


BROKEN, TORN = object(), object()
GZIP_START = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x18\0RK\x14\0"
HEADER_BYTES = 36


def own_member(content, position):
    """Length of the member at a position, if the header is one of ours and whole; else None."""
    header = content[position : position + HEADER_BYTES]
    if len(header) < HEADER_BYTES or not header.startswith(GZIP_START):
        return None
    length, _, _, _, checksum = struct.unpack("<5I", header[16:])
    return length if length > HEADER_BYTES and zlib.crc32(header[:32]) == checksum else None


def open_member(content, position, length):
    """The content of the member and its length in the file; ValueError where it is damaged."""
    end = len(content) if length is None else position + length
    member = content[position:end]
    if length is not None:
        (checksum,) = struct.unpack("<I", member[28:32])
        if len(member) < length or zlib.crc32(member[HEADER_BYTES:]) != checksum:
            raise ValueError("checksum")
    engine = zlib.decompressobj(wbits=31)
    try:
        unpacked = engine.decompress(member, MAX_LINE_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not engine.eof:
        raise ValueError("cut off, or more than this reader unpacks")
    return unpacked, len(member) - len(engine.unused_data)


def gzip_members(content):
    """As `whole_lines`, for gzip members one after another, each of whole lines."""
    position, damaged_at = 0, None
    while position < len(content):
        length = own_member(content, position)
        try:
            if length is None and content.startswith(GZIP_START, position):
                raise ValueError("a header of ours that is damaged")
            unpacked, stored = open_member(content, position, length)
            events = list(whole_lines(unpacked))
            if any(event is BROKEN or event is TORN for _, event in events):
                raise ValueError("lines")
        except ValueError:
            damaged_at = position if damaged_at is None else damaged_at
            # A damaged member with a whole header is stepped over; else the next whole header is looked for.
            position = position + length if length is not None else position + 1
            while position < len(content) and own_member(content, position) is None:
                start = content.find(GZIP_START, position + 1)
                position = len(content) if start < 0 else start
            continue
        if damaged_at is not None:
            yield damaged_at, BROKEN
            damaged_at = None
        for _, event in events:
            yield position, event
        position += stored
    if damaged_at is not None:
        yield damaged_at, TORN


READERS = {"ndjson": whole_lines, "ndjson.gz": gzip_members}


def why_not(extension):
    if extension.split(".")[-1] == "enc":
        return "encrypted: needs its key and XChaCha20-Poly1305, which the standard library has not"
    if extension.split(".")[-1] == "zst":
        return "Zstandard: not in the standard library"
    return "format .%s is not known to this reader" % extension


# --- Accounts ------------------------------------------------------------------------------------------------------


def account(directory, names, ledger):
    """Where every event number is: for each writer the sets of numbers, as ranges (first, count)."""
    pending, unsealed, leaving = {}, {}, {}
    for name in names:
        if name.kind in UNFINISHED:
            unsealed.setdefault(name.writer_id, []).append(name.first_sequence)
        metadata = read_metadata(directory, name) if name.kind in ("sealed", "gone") else None
        if metadata and name.kind == "gone":
            outcome = "delivered" if name.reason == "delivered" else "dropped"
            leaving[name.id] = {**metadata, "outcome": outcome, "reason": name.reason}
        elif metadata and extension_in(metadata) == name.extension:
            pending[name.id] = metadata
    places = {}  # by writer: (place, reason) -> ranges
    ends = {writer_id: line.get("claimedEnd", 0) for writer_id, line in ledger.writers.items()}

    def put(writer_id, place, reason, ranges):
        places.setdefault(writer_id, {}).setdefault((place, reason), []).extend(map(tuple, ranges))

    for segment_id, metadata in pending.items():
        if segment_id not in leaving and segment_id not in ledger.records:
            put(metadata["writerId"], "pending", None, [(metadata["firstSequence"], metadata["eventCount"])])
    for writer_id, line in ledger.writers.items():
        put(writer_id, "delivered", None, line["delivered"])
        put(writer_id, "quarantined", None, line["quarantined"])
        for reason, ranges in line["dropped"].items():
            put(writer_id, "dropped", reason, ranges)
    for segment_id, record in {**leaving, **ledger.records}.items():
        reason = record.get("reason") if record["outcome"] == "dropped" else None
        ranges = [(record["firstSequence"], record["eventCount"])]
        writer_id = segment_id.split("-")[2]
        put(writer_id, record["outcome"], reason, ranges)
        if record.get("claimedEvents", 0) > 0:
            end = record["firstSequence"] + record["claimedEvents"]
            ends[writer_id] = max(ends.get(writer_id, 0), end)

    former = ledger.former
    sums = {place: former.get(place, 0) for place in ("delivered", "quarantined", "lost")}
    sums.update(pending=0, repeated=0, dropped=dict(former.get("dropped", {})))
    for writer_id, parts in places.items():
        claimed = 0
        for (place, reason), ranges in parts.items():
            count = sum(size for _, size in ranges) if place == "pending" else count_of(join(ranges))
            claimed += count
            if place == "dropped":
                sums["dropped"][reason] = sums["dropped"].get(reason, 0) + count
            else:
                sums[place] += count
        known = join([item for ranges in parts.values() for item in ranges])
        sums["repeated"] += claimed - count_of(known)
        sums["lost"] += count_lost(known, ends.get(writer_id, 0), unsealed.get(writer_id, []))
    sums["dropped"] = {reason: count for reason, count in sums["dropped"].items() if count > 0}
    return {**sums, "unsealedFiles": sum(map(len, unsealed.values()))}


def join(ranges):
    joined = []
    for first, count in sorted(item for item in ranges if item[1] > 0):
        if joined and first <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], first + count)
        else:
            joined.append([first, first + count])
    return joined


def count_of(joined):
    return sum(end - first for first, end in joined)


def count_lost(joined, claimed_end, unsealed):
    """Numbers before a known or claimed end that are nowhere; those from an unfinished file's first may stand in it."""
    lost, position = 0, 0
    behind = [[claimed_end, claimed_end]] if not joined or joined[-1][1] < claimed_end else []
    for first, end in joined + behind:
        lost += min([first - position] + [number - position for number in unsealed if position <= number < first])
        position = end
    return lost


# --- The command ---------------------------------------------------------------------------------------------------


def read_spool(directory):
    spool_id = read_spool_id(directory)
    names, ledger = list_names(directory), Ledger(directory)
    events, damage, skipped = [], [], []
    for name, metadata, content in read_segments(directory, names, ledger):
        reader = READERS.get(name.extension)
        if reader is None:
            skipped.append({"segmentId": name.id, "why": why_not(name.extension)})
            continue
        is_sealed = metadata is not None and metadata["eventCount"] > 0
        found = len(damage)
        for position, event in reader(content):
            if event is BROKEN or (event is TORN and is_sealed):
                damage.append({"segmentId": name.id, "positionBytes": position})
            elif event is not TORN:
                events.append({"segmentId": name.id, "event": event})
        if is_sealed and found == len(damage):
            # Intact as lines and yet not what was sealed: only the hash tells.
            if len(content) < metadata["bytes"] or hashlib.sha256(content).hexdigest() != metadata["sha256"]:
                damage.append({"segmentId": name.id, "positionBytes": None})
    accounts = account(directory, names, ledger)
    return {
        "formatVersion": 1, "spoolId": spool_id, "events": events, "damage": damage, "skipped": skipped, "accounts": accounts,
    }


def main(directories):
    if not directories or any(word.startswith("-") for word in directories):
        print(__doc__, file=sys.stderr)
        return 2
    for directory in directories:
        try:
            print(json.dumps(read_spool(directory)))
        except (NotASpool, OSError) as error:
            print("relay_reader: %s" % error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
