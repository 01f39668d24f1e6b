"""Strings that YAML readers are known to take for something else, or to alter."""

from __future__ import annotations

WORDS = [
    *"y Y n N yes Yes YES yEs no No NO on On ON off Off OFF oFF true True TRUE tRue false False FALSE".split(),
    *"null Null NULL nUll None none nil undefined ~ ~~ ~/x = == =x << <<< <<x".split(),
]
NUMBERS = [
    *"0 1 -1 +1 -0 +0 00 007 08 09 0644 0o14 0o8 0O14 -0o14 0x1F 0X1f -0x1 +0x1 0xg 0x 0b1 0b2 0B1 -0b1 0b-1 0b+1 0o-7 0x-1 0b".split(),
    *"1e3 1E3 12e03 1234e56 1.e3 1e 1e+ 1e-3 e3 1.5e3 1.5e+3 1. .1 . .. -. +.5 -.5 1.2.3 1,000 1_000 _1 1_ 1__0 0_7 0x_1 -_1 ._ ._1 1_0.5_0 1e1_0".split(),
    *".nan .NaN .NAN .Nan nan NaN .inf .Inf .INF -.inf +.inf +.INF inf -inf Infinity infinity .infinity".split(),
    *"9223372036854775807 9223372036854775808 18446744073709551616 -9223372036854775809 123456789012345678901234567890".split(),
    *"1:30 12:30 12:30:45 1:3 01:30 1:30.5 190:20:30.15 60:00 1:60 -1:30 1:2:3:4 12:30:45.123 1: :1 10.0.0.1 10.0.0.0/8 ::1 fe80::1 1.2".split(),
    *"2024-01-01 2024-1-1 2024-13-45 2024-01-01T00:00:00Z 2024-01-01t00:00:00.5+01:00 2024-01 20240101 2024-01-01-x 2024-01-01x 24-01-01".split(),
    "2024-01-01 00:00:00", "2024-01-01 x", "1 000", "1 2", "- 1", "+ 1", "0.1.0", "1%", "25%", "50m", "64Mi", "1.5Gi", "1d", "١٢٣", "1e400",
]  # fmt: skip
SYNTAX = [
    "", " ", "  ", "a ", " a", "a b", "a  b", "a: b", "a:b", "a :b", "a:", "a: ", ": a", ":a", ":", "::", "a::b", "a #b", "a# b", "a#b", "#a", "# a", "#",
    "- x", "-x", "-", "--", "---", "--- x", "---x", "----", "...", "... x", "...x", "....", "? x", "?x", "?", "??", "%", "%YAML 1.1", "%x", "@", "@x",
    "`", "`x`",
    "!", "!x", "!!str x", "!!binary aGk=", "&a", "&a x", "&", "*a", "*", "|", "|x", "|-", ">", ">x", ">-", ",", ",x", "a, b", "[", "]", "[a]", "[]",
    "a[0]", "{", "}", "{}",
    "{a: b}", "{{ x }}", "{% x %}", "a{b}", "'", "''", "'a'", "a'b", '"', '""', '"a"', 'a"b', "'\"", "it's \"x\"", "\\", "\\n", "a\\b", 'a\\"b',
    "\\x41", "\\'", '{"a": "b\\n"}',
    "$(X)", "${X}", "$$", "a;b", "a=b", "a,b", "<a>", "a&b", "a|b", "a*b", "a!b", "a%b", "a@b", "a`b", "key: [1, 2]", "a:\tb", "a\t#b", "x: |",
    "https://a.b/c?d=e&f#g", "C:\\x",
]  # fmt: skip
CHARACTERS = [
    "\t", "\ta", "a\t", "a\tb", "\n", "\n\n", "a\n", "\na", "a\nb", "a\n\nb\n", "a\n\n", "a\n\n\n", "\n\na\n", "  a\nb", "a\n  b\n", "\n  a\nb\n",
    "  \na", "a\n  ", "a \nb", "a\n \nb\n",
    "a\t\nb", "\ta\nb", "a\n\tb", "\n\ta", "\n \n", " \n", "\n ", "a\n\n ", "a\n\t\n", "# a\nb\n", "a\n# b\n", "---\na\n", "a\n---\nb\n", "...\na\n",
    "a\n...\n", "%YAML\na\n", "- a\n- b\n",
    "a: b\nc: d\n", "|\n", "|\na\n", ">\na", "a: |\n  b\n", "{a:\nb}", "'\n'", '"\n"', "a\\\nb", "a'\nb\"\n", "#!/bin/sh\nset -e\n",
    "{{ x }}\n{% y %}\n", "\u00a0\na\n", "a\n\u00a0", "\n\n\n a\n\n\n",
    "\r", "a\r", "\ra", "a\rb", "a\r\nb", "a\r\n", "\r\n", "a\n\r", "a\n\rb\n", "\x00", "a\x00b", "\x01", "\x07", "\x08", "\x0b", "a\x0bb", "\x0c",
    "a\x0c", "\x1b[31m", "\x1c", "a\x1db", "\x1f",
    "\x7f", "a\x7f", "\x80", "\x85", "a\x85b", "\x85a\n", "a\n\x85b", "\x9f", "\u00a0", "\u00a0a", "a\u00a0", "\u00ad", "é", "e\u0301", "ß", "Ω",
    "日本語", "日本語\n日本\n", "\u200b", "\u200d", "a\u200bb",
    "\u200e", "\u202e", "a\u202eb\n", "\u2028", "a\u2028b", "\u2029", "a\n\u2029b", "\u2066x\u2069", "\u3000", "\u3000a", "\ufeff", "\ufeffa",
    "a\ufeffb", "a\n\ufeff", "\ufffd", "\ufffe", "\uffff", "\ue000", "\uf8ff",
    "\U0001f600", "a\U0001f600\n", "👩‍👩‍👧", "🇳🇴", "\U00010000", "\U0001fffe", "\U000e0041", "\U000f0000", "\U0010ffff",
    "x" * 79, "x" * 81, "x " * 100 + "x", "x" * 1030, "a b " * 500 + "c", "a: " * 400, "\\" * 600, "\u00e9" * 600, "line\n" * 300,
    ("x" * 200 + "\n") * 5, '"' * 1200, "a'\"" * 400,
]  # fmt: skip
REAL = [
    "1.4.2", "v1.4.2", "ghcr.io/a/b:1.2@sha256:0d5b8f2a", "Hello from prod", "hello.example.com", "--queue=orders", "-c", ":8080", "0.0.0.0:8080",
    "*.example.com", "app.kubernetes.io/name",
    "15 3 * * *", "*/5 * * * *", "@daily", "Europe/Oslo", "RollingUpdate", "1234567", "e123456", "12e4567", "0123456", "0xdeadbe", "1e10", "abc1234",
    "key=value", "a=b,c=d", "/healthz", "/", "~/.ssh",
    "{{ .Values.x }}", "$(DATABASE_URL)", "postgres://u:p@h:5432/d?sslmode=disable", 'level=info msg="x"', "for: 5m", "sum(rate(x[5m])) > 0.5",
    "[::1]:80", "^/(.*)$", "(a|b)", "100Mi", "-1", "8080", "8080/tcp",
]  # fmt: skip

HOSTILE: list[str] = list(dict.fromkeys([*WORDS, *NUMBERS, *SYNTAX, *CHARACTERS, *REAL]))
