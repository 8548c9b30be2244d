"""Reads a JUnit report as build servers' tools do, holds it against the schema, and prints what it says: counts, then failures."""

import sys

import xmlschema
from junitparser import Error, Failure, JUnitXml, Skipped

schema, report = sys.argv[1:]
xmlschema.XMLSchema(schema).validate(report)
xml = JUnitXml.fromfile(report)
suites = list(xml)
print("tests", sum(suite.tests for suite in suites), "failures", sum(suite.failures for suite in suites), "errors", sum(suite.errors for suite in suites))
for suite in suites:
    assert suite.tests == len(list(suite)), suite.name
    for case in suite:
        for result in case.result:
            kind = {Failure: "failure", Error: "error", Skipped: "skipped"}[type(result)]
            if kind != "skipped":
                print(kind, case.classname, case.name, ascii(result.message))
