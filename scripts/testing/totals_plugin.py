"""Writes pytest's totals where scripts/test.sh wants them: `passed failed skipped`, then the skipped tests."""

import os


def pytest_terminal_summary(terminalreporter):
    path = os.environ.get("TEST_TOTALS")
    if path is None:
        return
    stats = terminalreporter.stats
    skipped = [f"{report.nodeid}: {report.longrepr[2]}" for report in stats.get("skipped", [])]
    failed = len(stats.get("failed", [])) + len(stats.get("error", []))
    with open(path, "w", encoding="utf-8") as file:
        print(len(stats.get("passed", [])), failed, len(skipped), file=file)
        for test in skipped:
            print(test, file=file)
