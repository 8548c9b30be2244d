"""Validates a JSON report against its schema with the validator that most people use."""

import json
import sys

import jsonschema

schema, report = [json.load(open(path, encoding="utf-8")) for path in sys.argv[1:]]
jsonschema.Draft202012Validator.check_schema(schema)
errors = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(report)]
print("errors", len(errors), *errors[:5], sep="\n")
sys.exit(bool(errors))
