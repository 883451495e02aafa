"""The errors a person sees: each says what is wrong, where, and what to do next.

ScannerError
├── RuleError        a rule, pack, profile or parameter is wrong          (exit 2)
├── InputError       a file, folder or snapshot cannot be used            (exit 2)
├── UsageError       options contradict each other or name nothing        (exit 2)
├── ScopeError       nothing to scan, or no right to look at it           (exit 4)
├── AuthenticationError  no credential that Azure accepts                 (exit 4)
├── OutputError      a report could not be written                        (exit 2)
└── PartialError     a report would close alerts that nobody looked at    (exit 6)
"""

from __future__ import annotations


class ScannerError(Exception):
    """What went wrong (`what`), the place (`where`, may be empty) and the next step (`advice`, may be empty)."""

    exit_code = 2

    def __init__(
        self, what: str, where: str = "", advice: str = "", *, excerpt: str = "", code: str = ""
    ) -> None:
        super().__init__(what)
        self.code = code
        """The stable id of the check that found it (`SEM007`), where it has one."""
        self.what = what
        self.where = where
        self.advice = advice
        self.excerpt = excerpt

    def __str__(self) -> str:
        what = f"{self.code} {self.what}" if self.code else self.what
        head = f"{self.where}: {what}" if self.where else what
        lines = [head]
        if self.excerpt:
            lines.append(self.excerpt)
        if self.advice:
            lines.append(f"  {self.advice}")
        return "\n".join(lines)


class RuleError(ScannerError):
    """A rule file, pack, profile or parameter value is wrong."""


class InputError(ScannerError):
    """A file, folder or snapshot cannot be used as an inventory."""


class UsageError(ScannerError):
    """The command line or the configuration file contradicts itself or names something unknown."""


class OutputError(ScannerError):
    """A report could not be written."""


class PartialError(ScannerError):
    """A report was not written because its reader would take what was not looked at for mended."""

    exit_code = 6


class ScopeError(ScannerError):
    """There is nothing to scan in the given scope, or it may not be read."""

    exit_code = 4


class AuthenticationError(ScannerError):
    """There is no credential, or Azure does not accept it."""

    exit_code = 4


class Problems(ScannerError):
    """Several errors found in one go; every one of them is reported."""

    def __init__(self, errors: list[ScannerError]) -> None:
        super().__init__(f"{len(errors)} problems")
        self.errors = errors
        self.exit_code = max((error.exit_code for error in errors), default=2)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)
