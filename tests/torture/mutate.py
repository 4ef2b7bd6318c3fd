"""Bytes that a reader did not expect."""

import re
import struct

NUMBERS = [b"0", b"-1", b"1e999", b"-1e999", b"nan", b"inf", b"65536", b"2147483648", b"4294967296",
           b"9223372036854775807", b"18446744073709551616", b"99999999999999999999999", b"1e-320", b"0.1", b"00", b"+1"]
WORDS = [b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"[" * 500, b"{\"a\":" * 300, b"\"", b",", b"\n", b"\r", b"null", b"true",
         b"[]", b"{}", b"\\u0000", b"\\ud800", b"\xc3\x28", b"\x1b[2J", b"=1+1", b"'", b"(", b")", b"x" * 300]
INTEGERS = [0, 1, -1, 2, 127, 255, 256, 32767, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1]


def flip(random, data):
    at = random.randrange(len(data))
    data[at] ^= 1 << random.randrange(8)


def overwrite(random, data):
    at = random.randrange(len(data))
    data[at] = random.choice([0, 1, 10, 13, 32, 34, 39, 44, 45, 48, 57, 58, 91, 93, 123, 125, 127, 128, 255])


def integer(random, data):
    size, code = random.choice([(2, "h"), (4, "i"), (8, "q")])
    value = random.choice(INTEGERS) & (1 << 8 * size) - 1
    at = random.randrange(len(data))
    data[at:at + size] = struct.pack(random.choice("<>") + code.upper(), value)


def cut(random, data):
    del data[random.randrange(len(data) + 1):]


def drop(random, data):
    at = random.randrange(len(data))
    del data[at:at + random.choice([1, 2, 7, 64])]


def repeat(random, data):
    at = random.randrange(len(data))
    piece = bytes(data[at:at + random.choice([1, 4, 30, 200])])
    data[at:at] = piece * random.choice([1, 2, 50])


def insert(random, data):
    at = random.randrange(len(data) + 1)
    data[at:at] = random.choice(WORDS + NUMBERS)


def number(random, data):
    """Another value for a number that is written in digits."""
    found = list(re.finditer(rb"-?[0-9][0-9.eE+-]*", bytes(data)))
    if not found:
        return insert(random, data)
    match = random.choice(found)
    data[match.start():match.end()] = random.choice(NUMBERS)
    return None


def swap(random, data):
    a, b = sorted(random.randrange(len(data)) for _ in range(2))
    size = random.choice([1, 4, 16])
    piece = bytes(data[a:a + size])
    data[a:a + size] = data[b:b + size]
    data[b:b + size] = piece


WAYS = [flip, overwrite, integer, cut, drop, repeat, insert, number, number, swap]


def mutated(random, original, others):
    """A few changes, nearer the head more often: that is where files say what they are."""
    if random.random() < 0.02:
        return random.choice(others)
    data = bytearray(original)
    for _ in range(random.choice([1, 1, 1, 2, 3, 8])):
        if not data:
            break
        if random.random() < 0.5 and len(data) > 200:
            head = data[:200]
            random.choice(WAYS)(random, head)
            data[:200] = head
        else:
            random.choice(WAYS)(random, data)
    return bytes(data)
