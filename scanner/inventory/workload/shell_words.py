"""The words of scripts: a text in sh or PowerShell comes in, commands of words with holes and offsets come out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scanner.inventory.workload.images import Filled
from scanner.inventory.workload.source import HOLE

SH, POWERSHELL = "sh", "powershell"
MAX_DEPTH = 12
MAX_WORDS = 100_000
MOST_VALUE, MOST_FILLED = 1_000, 1_000_000
"""Characters of one value, and of all values, that are filled into a script."""
_SH_PLAIN = re.compile(r"[^\s'\"\\`$;|&()<>]+")
_PS_PLAIN = re.compile(r"[^\s'\"`$;|&(){}<>]+")
_NAME = re.compile(r"\$(?:env:|script:|global:|local:)?([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?!$-])", re.IGNORECASE)
_BRACED = re.compile(
    r"\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-=+?])([^{}]*)|(,,|\^\^)|[^{}]*)\}", re.IGNORECASE
)
_PROPERTY = re.compile(r"(?:\.[A-Za-z_]\w*|\[[^\]\n]{0,80}\])+")
_SET = re.compile(r"[ \t]*=(?!=)")
_OPERATOR = re.compile(r";;|&&|\|\||[;|&()\n]")
_REDIRECT = re.compile(r"\d*(?:<<<|<<-?|>>|>&|<&|>\||&>>?|<>|[<>])")
_BLANK = re.compile(r"[ \t\r\f\v]+")
_CLOSING = frozenset({"fi", "esac", "done"})
_LOOPS = frozenset({"for", "while", "until", "foreach", "do"})
_KEYWORDS = _LOOPS | {"if", "switch", "try", "function"}
_PREFIXES = frozenset(
    {"then", "do", "else", "elif", "if", "while", "until", "!", "{", "}", "(", "time", "try", "&"}
)

Resolve = Callable[[re.Match[str]], tuple[str | None, str]]


@dataclass(frozen=True, slots=True)
class Expressions:
    """What the tool around a script fills in before the shell sees it. `resolve`: a match -> (its value or None, its words)."""

    pattern: re.Pattern[str]
    resolve: Resolve


@dataclass(eq=False)
class Loop:
    """A loop; `again`: it goes on until its commands succeed."""

    again: bool = False


@dataclass(eq=False)
class Here:
    """A text that a script hands to a command (`<<EOF`, `<<<`); it is read after the command."""

    word: Word | None = None


@dataclass(eq=False)
class Command:
    """One command. `depth`: conditions and loops around it; `before`: the operator it follows; `piped`, `here`: what it reads."""

    words: list[Word]
    before: str
    depth: int
    loops: tuple[Loop, ...]
    piped: Command | None = None
    here: Here | None = None

    @property
    def retried(self) -> bool:
        """Whether a loop around it repeats it until it succeeds."""
        return any(loop.again for loop in self.loops)


@dataclass(frozen=True, slots=True)
class Word:
    """A word, with the commands that its substitutions run. `names`: one for each hole."""

    text: str
    start: int
    end: int
    names: tuple[str, ...] = ()
    inner: tuple[Command, ...] = ()

    @property
    def filled(self) -> Filled:
        """The text with its holes."""
        return Filled(self.text, self.names)


@dataclass
class _Making:
    """A word that is being read."""

    pieces: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    inner: list[Command] = field(default_factory=list)


class Scanner:
    """Reads a script from its start to its end once."""

    def __init__(
        self, text: str, dialect: str, known: Mapping[str, Filled], expressions: Expressions | None
    ) -> None:
        self._text = text
        self._power = dialect == POWERSHELL
        self._plain = _PS_PLAIN if self._power else _SH_PLAIN
        self._escape = "`" if self._power else "\\"
        self._known = known
        self._expressions = expressions
        self._words = 0
        self._commands: list[Command] = []
        self._nesting: list[Loop | None] = []
        self._documents: list[tuple[str, bool, Here]] = []
        self._here: Here | None = None
        self._looping = False
        self._left = MOST_FILLED
        self.cut = False

    def run(self) -> list[Command]:
        """All commands, those of substitutions before the command that uses them."""
        self._sequence(0, "", 0)
        return self._commands

    def _sequence(self, at: int, closing: str, depth: int) -> int:
        """Read commands up to a closing character; the offset after it."""
        words: list[Word] = []
        before = ""
        last: Command | None = None
        text, length = self._text, len(self._text)
        while at < length:
            blank = _BLANK.match(text, at)
            if blank:
                at = blank.end()
                continue
            character = text[at]
            if text.startswith(f"{self._escape}\n", at):
                at += 2
            elif closing and character == closing:
                self._command(words, before, last)
                return at + 1
            elif self._power and text.startswith("<#", at):
                end = text.find("#>", at)
                at = length if end < 0 else end + 2
            elif character == "#":
                end = text.find("\n", at)
                at = length if end < 0 else end
            elif self._power and character in "{}":
                self._command(words, before, last)
                self._brace(character)
                words, before, at = [], character, at + 1
            elif (
                (expression := self._expression(at)) is None
                and character in "<>0123456789&"
                and (redirect := _REDIRECT.match(text, at))
            ):
                at = self._redirect(redirect, depth)
            elif expression is None and (operator := _OPERATOR.match(text, at)):
                last = self._command(words, before, last)
                words, before, at = [], operator[0], operator.end()
                if before == "\n" and self._documents:
                    at = self._skip_documents(at)
            else:
                word = self._word(at, closing, depth)
                self._words += 1
                self.cut = self.cut or self._words > MAX_WORDS
                if not self.cut:
                    words.append(word)
                at = word.end
        self._command(words, before, last)
        return at

    def _command(self, words: list[Word], before: str, last: Command | None) -> Command | None:
        """Note the words of a command, without the keywords before it, and follow conditions and loops."""
        rest = list(words)
        here, self._here = self._here, None
        negated, head = False, ""
        if self._power and rest and rest[0].text.lower() in _KEYWORDS:
            self._looping = rest[0].text.lower() in _LOOPS
        while rest and rest[0].text in _PREFIXES:
            head = rest[0].text if rest[0].text != "!" else head
            negated = negated or rest[0].text == "!"
            if rest[0].text in ("if", "while", "until") and not self._power:
                self._nesting.append(Loop(again=rest[0].text == "until") if rest[0].text != "if" else None)
            rest.pop(0)
        if negated and head == "while" and self._nesting and (loop := self._nesting[-1]) is not None:
            loop.again = True
        if not rest:
            return None
        first = rest[0].text
        if not self._power:
            if first in ("for", "case", "select"):
                self._nesting.append(None if first == "case" else Loop())
                return None
            if first in _CLOSING:
                if self._nesting:
                    self._nesting.pop()
                return None
        if first in ("break", "exit", "return"):
            for loop in self._nesting[-3:]:
                if loop is not None and first == "break":
                    loop.again = True
        loops = tuple(loop for loop in self._nesting if loop is not None)
        made = Command(rest, before, len(self._nesting), loops, last if before == "|" else None, here)
        self._commands.append(made)
        return made

    def _brace(self, character: str) -> None:
        """Blocks of PowerShell."""
        if character == "{":
            self._nesting.append(Loop() if self._looping else None)
            self._looping = False
        elif self._nesting:
            self._nesting.pop()

    def _redirect(self, redirect: re.Match[str], depth: int) -> int:
        """Pass over where output goes; texts that follow the line are passed over at its end."""
        blank = _BLANK.match(self._text, redirect.end())
        at = (blank or redirect).end()
        if at >= len(self._text) or self._text[at] in "\n;|()":
            return at
        word = self._word(at, "", depth)
        kind = redirect[0].lstrip("0123456789")
        if kind in ("<<", "<<-", "<<<") and not self._power:
            self._here = Here(word if kind == "<<<" else None)
            if kind != "<<<":
                self._documents.append((word.text, redirect[0].endswith("-"), self._here))
        return max(word.end, at + 1)

    def _skip_documents(self, at: int) -> int:
        for name, indented, here in self._documents:
            start = at
            while at < len(self._text):
                end = self._text.find("\n", at)
                end = len(self._text) if end < 0 else end
                line = self._text[at:end]
                at = end + 1
                if (line.lstrip("\t") if indented else line).rstrip("\r") == name:
                    here.word = self._document(start, end - len(line))
                    break
        self._documents.clear()
        return min(at, len(self._text))

    def _document(self, start: int, end: int) -> Word:
        """A text that follows a line; what would be filled in is not known."""
        text = self._text[start:end].strip()
        open_part = "$" in text or "`" in text or "{{" in text
        return Word(HOLE if open_part else text, start, end, ("the text",) if open_part else ())

    def _expression(self, at: int) -> re.Match[str] | None:
        if self._expressions is None or self._text[at] not in "$<{":
            return None
        return self._expressions.pattern.match(self._text, at)

    def _word(self, at: int, closing: str, depth: int) -> Word:
        """One word from its first character; it always takes at least one."""
        start = at
        out = _Making()
        text, length = self._text, len(self._text)
        while at < length:
            character = text[at]
            expression = self._expression(at)
            if expression is not None:
                self._fill(expression, out)
                at = expression.end()
            elif closing and character == closing and at > start:
                break
            elif character == "'":
                end = text.find("'", at + 1)
                end = length if end < 0 else end
                self._literal(text[at + 1 : end], out)
                at = end + 1
            elif character == '"':
                at = self._quoted(at + 1, out, depth)
            elif character == self._escape:
                if at + 1 < length and text[at + 1] != "\n":
                    out.pieces.append(text[at + 1])
                at += 2
            elif character == "`":
                at = self._nested(at + 1, "`", out, depth)
            elif character == "$":
                at = self._dollar(at, out, depth)
            elif (plain := self._plain.match(text, at)) is not None:
                end = plain.end()
                if closing and (cut := text.find(closing, at, end)) > at:
                    end = cut
                if self._expressions is not None and (cut := text.find("{{", at, end)) > at:
                    end = cut
                out.pieces.append(text[at:end])
                at = end
            else:
                break
        if at == start:
            at += 1
        return Word("".join(out.pieces), start, min(at, length), tuple(out.names), tuple(out.inner))

    def _fill(self, match: re.Match[str], out: _Making) -> None:
        assert self._expressions is not None, "a match comes from a pattern"
        value, words = self._expressions.resolve(match)
        value = self._room(value)
        if value is None:
            out.names.append(words or match[0][:80])
        out.pieces.append(HOLE if value is None else value)

    def _room(self, value: str | None) -> str | None:
        """A value where there is still room for it: texts that grow without end become holes."""
        if value is None or len(value) > min(MOST_VALUE, self._left):
            return None
        self._left -= len(value)
        return value

    def _literal(self, text: str, out: _Making) -> None:
        """Text in single quotes: only the tool around the script fills something in."""
        at = 0
        if self._expressions is not None:
            for match in self._expressions.pattern.finditer(text):
                out.pieces.append(text[at : match.start()])
                self._fill(match, out)
                at = match.end()
        out.pieces.append(text[at:])

    def _quoted(self, at: int, out: _Making, depth: int) -> int:
        text, length = self._text, len(self._text)
        while at < length:
            character = text[at]
            expression = self._expression(at)
            if expression is not None:
                self._fill(expression, out)
                at = expression.end()
            elif character == '"':
                return at + 1
            elif character == self._escape:
                if at + 1 < length and text[at + 1] != "\n":
                    out.pieces.append(text[at + 1])
                at += 2
            elif character == "`":
                at = self._nested(at + 1, "`", out, depth)
            elif character == "$":
                at = self._dollar(at, out, depth, quoted=True)
            else:
                end = at + 1
                while end < length and text[end] not in '"$`\\{<':
                    end += 1
                out.pieces.append(text[at:end])
                at = end
        return length

    def _dollar(self, at: int, out: _Making, depth: int, *, quoted: bool = False) -> int:
        text = self._text
        if text.startswith("$((", at) and not self._power:
            end = text.find("))", at)
            out.pieces.append(HOLE)
            out.names.append("$((…))")
            return len(text) if end < 0 else end + 2
        if text.startswith("$(", at):
            return self._nested(at + 2, ")", out, depth)
        match = _BRACED.match(text, at) or _NAME.match(text, at)
        if match is None:
            out.pieces.append("$")
            return at + 1
        end = match.end()
        name = match[1]
        value = self._known.get(name)
        if match.re is _BRACED and match[0] != f"${{{name}}}":
            operator, default, case = match[2], match[3], match[4]
            if operator in (":-", "-", ":=", "="):
                plain = default.strip("\"'")
                value = value or (Filled(plain) if "$" not in plain and "`" not in plain else None)
            elif case and value is not None:
                value = Filled(value.text.lower() if case == ",," else value.text.upper(), value.names)
            elif operator not in (":?", "?") and not match[0].lower().startswith("${env:"):
                value = None
        if self._power and not quoted and _SET.match(text, end):
            value = None
        if self._power and not quoted and (member := _PROPERTY.match(text, end)):
            end, value = member.end(), None
        if value is None or self._room(value.text) is None:
            out.pieces.append(HOLE)
            out.names.append(f"${name}")
        else:
            out.pieces.append(value.text)
            out.names.extend(value.names)
        return end

    def _nested(self, at: int, closing: str, out: _Making, depth: int) -> int:
        """A substitution: its commands are read, what they print is not known."""
        out.pieces.append(HOLE)
        out.names.append("$(…)" if closing == ")" else "`…`")
        if depth >= MAX_DEPTH:
            end = self._text.find(closing, at)
            return len(self._text) if end < 0 else end + 1
        first = len(self._commands)
        here, self._here = self._here, None
        end = self._sequence(at, closing, depth + 1)
        self._here = here
        out.inner.extend(self._commands[first:])
        return end
