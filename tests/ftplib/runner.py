"""Runs CPython's tests of ftplib, see `run`: with the argument `ftplib` on ftplib itself, otherwise on the shim."""

import sys
import time
import unittest
import warnings
from pathlib import Path

FOLDER = Path(__file__).parent


class Results(unittest.TestResult):
    """The outcome of each test, and the text of each that did not pass."""

    PASSES = "passes"

    def __init__(self):
        super().__init__()
        self.outcomes = {}
        self.texts = {}

    def _note(self, test, outcome, text=""):
        name = test.id().removeprefix("test.test_ftplib.")
        # The first outcome counts, except that a test with a failed subtest or tearDown does not pass.
        if self.outcomes.get(name, self.PASSES) == self.PASSES:
            self.outcomes[name], self.texts[name] = outcome, text

    def addSuccess(self, test):
        self._note(test, self.PASSES)

    def addFailure(self, test, error):
        self._note(test, "fails", self._exc_info_to_string(error, test))

    def addError(self, test, error):
        self.addFailure(test, error)

    def addSkip(self, test, reason):
        self._note(test, "is skipped", reason)

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.addFailure(test, error)


def run(module):
    results = Results()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(results)
    return results


def passing(results):
    return sum(outcome == Results.PASSES for outcome in results.outcomes.values())


def expected_differences():
    """Test and reason, one in a line."""
    lines = (FOLDER / "differences.tsv").read_text().splitlines()
    return dict(line.split("\t") for line in lines)


def report(results, expected):
    """Prints what differs from what is expected; returns whether nothing does."""
    surprises = 0
    for name, outcome in sorted(results.outcomes.items()):
        if (outcome == Results.PASSES) == (name in expected):
            surprises += 1
            print(f"!!! {name} {outcome}, which is not expected\n{results.texts[name]}")
    return surprises == 0


# Of the 75 that pass with Python 3.10 to 3.13
FEWEST = 70


def main():
    # asyncore is deprecated, and the tests' server leaves sockets open.
    warnings.simplefilter("ignore")
    began = time.monotonic()
    if sys.argv[1:] == ["ftplib"]:
        from test import test_ftplib

        results = run(test_ftplib)
        expected = {name for name, outcome in results.outcomes.items() if outcome == "is skipped"}
        fine = report(results, expected)
        print(f"ftplib itself: {passing(results)} tests pass, {len(results.outcomes)} in all")
        return fine
    import ftplib_shim

    sys.modules["ftplib"] = ftplib_shim
    from test import test_ftplib
    import adapted

    expected = expected_differences()
    results = run(test_ftplib)
    fine = report(results, expected)
    others = run(adapted)
    fine &= report(others, {})
    # If CPython renames its tests, they must not go missing unnoticed.
    if passing(results) < FEWEST or not others.outcomes:
        print(f"!!! only {passing(results)} tests of ftplib and {len(others.outcomes)} adapted ones passed")
        fine = False
    for name in sorted(expected.keys() & results.outcomes.keys()):
        print(f"{name} {results.outcomes[name]}: {expected[name]}")
    for name in sorted(expected.keys() - results.outcomes.keys()):
        print(f"{name}: this Python has no such test")
    print(f"{passing(results)} of {len(results.outcomes)} tests of ftplib pass, {passing(others)} of {len(others.outcomes)}"
          f" adapted ones, in {time.monotonic() - began:.0f} s")
    return fine


sys.exit(0 if main() else 1)
