#!/usr/bin/env bash
# One request with curl. Reads URL, CA_FILE, BODY and TIMEOUT (seconds); prints one line, as every client here does.
set -uo pipefail

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
# -q: nobody's .curlrc has a say here.
status=$(curl -q --silent --show-error --max-time "$TIMEOUT" --cacert "$CA_FILE" --header 'content-type: application/json' \
  --data "$BODY" --output "$folder/body" --write-out '%{http_code} %{content_type}' "$URL" 2>"$folder/said")
code=$?
echo "curl exit $code: $(cat "$folder/said")" >&2
case "$code $(cat "$folder/said")" in
  "0 "*)
    if [[ $status == *' application/json'* ]]; then echo "ok ${status%% *}"; else echo not-json; fi ;;
  "18 "*) echo truncated ;;
  # Over TLS the end without a goodbye is noticed before the missing bytes are.
  "56 "*'unexpected eof'*) echo truncated ;;
  "28 "*) echo timeout ;;
  "60 "*) echo certificate ;;
  "35 "*[Rr]eset* | "56 "*[Rr]eset*) echo reset ;;
  "52 "*) echo closed ;;
  *) echo other ;;
esac
