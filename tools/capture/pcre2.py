#!/usr/bin/env python3
"""Writes test/vectors/analysis/pcre2.jsonl: what the real PCRE2 library answers.

Called as the peer calls it: no compile options, offset 0, bytes. Needs libpcre2-8 (10.42 was used), nothing else. One row is
one pattern and one string, both with one character a byte; "end" is the last byte of the match (start - 1 for an empty one);
groups that are not set are "" and missing at the end. A pattern that the library refuses has "compile": "error" and its text.

Left out on purpose: a repeated `\\R` or `\\v` before `\\s` or `\\S`, where the library (10.42) misses matches: `\\R?\\s` on "\\n".
"""
import ctypes
import json
import pathlib
import sys

OUTPUT = pathlib.Path(__file__).parents[2] / "test/vectors/analysis/pcre2.jsonl"
UNSET = ctypes.c_size_t(-1).value

WORDS = ["", "a", "b", "ab", "aab", "AB", "abab", "xaby", "a\n", "a\nb", "\n"]
LINES = [
    "Failed password for root from 10.0.0.9 port 22 ssh2",
    "failed PASSWORD for invalid user bob from 10.0.0.9",
    "user=\"alice\" action=login status=0",
    "key: value\nkey2: value2\n",
    "one\r\ntwo\r\nthree",
    "tab\there  two blanks",
    "caf\xc3\xa9 \xa0 \x85 \xff",
    "",
]
DIGITS = ["", "7", "42", "1234", "12.34.56.78", "a1b22c333", "x-1", "0x1F"]

GROUPS = [
    # Literals, alternatives, dot, anchors.
    (["ab", "a|b", "a||b", "|ab", ".", "a.b", "^a", "a$", "^a$", "^$", "^", "$", "a\\Z", "a\\z", "\\Aa", "\\Gab", "(?s)a.b", "a\\Nb", "\\C"], WORDS),
    (["a*", "a+", "a?b", "a*?b", "a+?", "a??", "a{2}", "a{1,2}", "a{2,}", "a{,2}", "a{1", "a{0}b", "a{1,2}?", "(a){0}b"], WORDS),
    # Possessive and atomic.
    (["a++b", "a*+ab", "(?>a+)b", "(?>a|ab)b", "a?+a", "(?:ab)++", "(ab)*+a?", "a{1,2}+a"], WORDS),
    # Captures: kept between rounds, empty rounds, unset in the middle and at the end.
    (["(a)(b)", "(a)|(b)", "(a)?(b)", "(?:(a)|b)+", "(?:(a)|(b))*", "((a)|b)+", "(a*)*", "(a*)+", "(a|)+", "(?:|a)*", "(?:a??)*b", "(a?)?", "(a?)??b", "((a)?b)*", "(a(b)?)+"], WORDS),
    # References.
    (["(a)\\1", "(a|b)\\1", "(?:(a)|b)\\1", "\\2(a)(b)?", "(?<n>a)\\k<n>", "(?P<n>a)(?P=n)", "(?'n'a)\\k'n'", "(?<n>a)\\k{n}", "(?<n>a)\\g{n}", "(a)\\g1", "(a)\\g{1}", "(a)(b)\\g{-2}", "(?i)(a)\\1", "(a\\1?)b", "(a)|b\\1"], WORDS + ["aA", "aa", "abA", "bb"]),
    (["(a)()()()()()()()()(b)\\10", "(a)(b)\\11", "\\10", "a\\118"], ["abb", "ab\t", "ab\x08", "a\t8"]),
    # Assertions.
    (["a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", "(?<=a|xa)b", "(?=(a))ab", "(?!(a))b", "(?=a)*b", "(?=a){2}a", "^(?!a)", "^(?=.*b)(?=.*a)", "\\bab\\b", "\\Bb", "(?<=^|x)a", "(?!a|ab)x", "(?!(a)|b)x?", "(?<!a|xa)b", "(?=(a)|ab)\\w\\1"], WORDS),
    # Options.
    (["(?i)ab", "a(?i)b", "(?i:a)b", "(a(?i)b|c)", "a|b(?i)|ab", "(?-i)ab", "(?i)a(?-i)b", "(?i)[a-b]+", "(?i)[^a]", "(?i)\\x41", "(?^)a", "(?i)(?^:a)", "(?m)^b", "(?m)a$", "(?m)^$", "(?m)^", "(?m)$", "(?ms)^.*$", "(?U)a+", "(?U)a+?", "(?x) a b # c", "(?x)a +", "(?x)a\\ b", "(?xx)[a b]", "(?n)(a)(?<x>b)", "(?im-s)^A.B$", "((?i)a)b", "(?i)a\\Q B\\E"], WORDS + ["C", "aB", "Ab", "\nb", "a b"]),
    # Classes.
    (["\\d+", "\\D+", "\\w+", "\\W+", "[0-9]+", "[^0-9]+", "[\\d.]+", "[[:digit:]]+", "[[:xdigit:]]+", "[[:alpha:]]+", "[[:^alpha:]]+", "(?:\\d{1,3}\\.){3}\\d{1,3}", "\\d{2,}", "0x[0-9A-F]+", "[x-]+", "[--1]+", "[\\x30-\\x39]+", "[\\61]+", "(\\d)(\\d)?(\\d)?$", "\\d*", "(?:[0-9]{2}){2}", "[0-9]{17,}|x"], DIGITS),
    (["\\s+", "\\S+", "\\h+", "\\H+", "\\v+", "\\V+", "\\R", "\\R\\R?", "[[:space:]]+", "[[:blank:]]+", "[[:punct:]]+", "[[:graph:]]+", "[[:print:]]+", "[[:cntrl:]]", "[[:upper:]]+", "(?i)[[:upper:]]+", "(?i)[[:^lower:]]+", "[[:word:]]+", "[[:ascii:]]+", "[^[:ascii:]]+", "[\\x80-\\xff]+", "\\xe9|\\xa9", "[]\"]+", "[^]]+", "[\\h\\n]+", "[\\]\\-a]+", "\\t", "[\\t]", "\\x09", "\\011", "\\cI", "\\x{e9}|\\x{a9}", "\\o{303}", "\\xc3\\xa9", "(?i)\\xc3\\xa9|\\xe3"], LINES),
    # As rule authors write.
    (["^Failed password for (\\S+) from (\\S+) port (\\d+)", "(?i)failed password for (?:invalid user )?(\\S+) from ([\\d.]+)", "user=\"([^\"]+)\"", "(\\w+)=(\\w+)", "(?<who>user)=\"(?<name>[^\"]*)\"(?:\\s+action=(\\w+))?", "(?m)^(\\w+): (.*)$", "(?mUs)^key(.*)value\\d?$", "^.*?:\\s*(.+)$", "^(?!.*root).*$", "(?s)^key.*\\n$", "value2$", "value2\\Z", "value2\\z", "(?m)\\w+$", "(?m)^t\\w+", "\\Q10.0.0.9\\E", "\\Q.\\E\\d", "(?#comment)port(?#x) \\d", "[^ ]+ [^ ]+$", "\\b(?:\\d{1,3}\\.){3}\\d{1,3}\\b", "from (?:(\\d+)\\.?)+"], LINES),
    # UTF mode.
    (["(*UTF)caf\\x{e9}", "(*UTF)caf\xc3\xa9", "(*UTF)\\N{U+E9}", "(*UTF)a|\xc3\xa9+", "(*UTF)(?i)CAF", "(*UTF)\\w+"], ["caf\xc3\xa9", "caf\xe9", "a\xff", "\xc3\xa9\xc3\xa9", "", "a"]),
    # Refused.
    (["(", ")", "a)", "(a", "[a", "[]", "[^]", "*a", "a**", "a+++", "{1}", "^*", "\\b+", "a{2,1}", "a{65536}", "[z-a]", "[\\w-z]", "[a-\\d]", "[[:foo:]]", "[[.a.]]", "[:alpha:]", "\\", "\\y", "\\L", "\\u0041", "\\c", "\\x{", "\\x{zz}", "\\x{100}", "\\o{8}", "\\1", "\\8", "(a)\\2", "\\k<x>", "\\g", "(?<n>a)(?<n>b)", "(?<1>a)", "(?<n", "(?z)a", "(?i", "(?", "(?<=a*)b", "(?<=a(b|cd))e", "(?#a", "\\N{U+41}", "[\\B]", "[\\N]", "[\\R]", "[\\q]", "(*UTF)\xe9"], [""]),
]


def bind():
    library = ctypes.CDLL("libpcre2-8.so.0")
    pointer, size, integer = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32
    library.pcre2_compile_8.restype = pointer
    library.pcre2_compile_8.argtypes = [ctypes.c_char_p, size, integer, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(size), pointer]
    library.pcre2_match_data_create_from_pattern_8.restype = pointer
    library.pcre2_match_data_create_from_pattern_8.argtypes = [pointer, pointer]
    library.pcre2_match_8.argtypes = [pointer, ctypes.c_char_p, size, size, integer, pointer, pointer]
    library.pcre2_get_ovector_pointer_8.restype = ctypes.POINTER(size)
    library.pcre2_get_ovector_pointer_8.argtypes = [pointer]
    library.pcre2_get_error_message_8.argtypes = [ctypes.c_int, ctypes.c_char_p, size]
    return library


def answer(library, pattern, string):
    error, offset = ctypes.c_int(), ctypes.c_size_t()
    text, subject = pattern.encode("latin1"), string.encode("latin1")
    code = library.pcre2_compile_8(text, len(text), 0, ctypes.byref(error), ctypes.byref(offset), None)
    if not code:
        message = ctypes.create_string_buffer(256)
        library.pcre2_get_error_message_8(error.value, message, 256)
        return {"compile": "error", "message": message.value.decode()}
    data = library.pcre2_match_data_create_from_pattern_8(code, None)
    count = library.pcre2_match_8(code, subject, len(subject), 0, 0, data, None)
    if count < 1:
        return {"match": False}
    bounds = library.pcre2_get_ovector_pointer_8(data)
    captures = []
    for group in range(1, count):
        start, end = bounds[2 * group], bounds[2 * group + 1]
        captures.append("" if start == UNSET else string[start:end])
    return {"match": True, "end": bounds[1] - 1, "captures": captures}


def main():
    library = bind()
    rows = 0
    with OUTPUT.open("w") as output:
        for patterns, strings in GROUPS:
            for pattern in patterns:
                for string in strings:
                    row = {"pattern": pattern, "string": string, **answer(library, pattern, string)}
                    output.write(json.dumps(row) + "\n")
                    rows += 1
    print(f"{rows} rows", file=sys.stderr)


main()
