#!/usr/bin/env bash
# What action.yml runs: its inputs are the variables D4IOT_…, and GitHub's files take outputs and the summary.
# `.ci/package action` tries it without GitHub.
set -euo pipefail

folder=$(mktemp -d "$RUNNER_TEMP/d4iot-double.XXXXXX")
arguments=()
while IFS= read -r line; do
  if [ -n "$line" ]; then arguments+=("$line"); fi
done <<<"$D4IOT_ARGUMENTS"

# The static binary of the release that the workflow names after `@`, unless one is given.
find_binary() {
  if [ -n "$D4IOT_BINARY" ]; then
    binary=$D4IOT_BINARY
    return
  fi
  local machine
  case $RUNNER_OS-$RUNNER_ARCH in
  Linux-X64) machine=x86_64 ;;
  Linux-ARM64) machine=aarch64 ;;
  *)
    echo "::error title=d4iot-double::the action has no binary for $RUNNER_OS-$RUNNER_ARCH; the input binary can name one"
    exit 2
    ;;
  esac
  curl --fail --silent --show-error --location --retry 3 \
    "$D4IOT_REPOSITORY/releases/download/$D4IOT_RELEASE/d4iot-double-$machine-unknown-linux-musl.tar.gz" | tar --extract --gzip --directory "$folder"
  binary=$folder/d4iot-double
}

# Starts a mock that the runner ends with the job, and waits until it is ready.
serve() {
  local listen=(--listen 127.0.0.1:0) control=(--control 127.0.0.1:0) ca=(--ca-out "$folder/ca.pem") argument reason
  for argument in "${arguments[@]}"; do
    case $argument in
    --listen | --listen=*) listen=() ;;
    --control | --control=*) control=() ;;
    --http) ca=() ;;
    esac
  done
  nohup "$binary" serve "${listen[@]}" "${control[@]}" --ready-file "$folder/ready.json" "${ca[@]}" "${arguments[@]}" \
    >"$folder/ready" 2>"$folder/log" </dev/null &
  local process=$!
  until "$binary" healthcheck --ready-file "$folder/ready.json" --wait 1s 2>"$folder/health"; do
    if ! kill -0 "$process" 2>/dev/null; then
      cat "$folder/log" >&2
      reason=$(grep '^error' "$folder/log" | head -n 1 || true)
      echo "::error title=d4iot-double::serve did not start: ${reason:-it ended at once}"
      exit 2
    fi
  done
  cat "$folder/ready"
  {
    echo "url=$(sed -n 's/^ready appliance .* //p' "$folder/ready" | head -n 1)"
    echo "control=$(sed -n 's/^ready control //p' "$folder/ready")"
    if [ -e "$folder/ca.pem" ]; then echo "ca=$folder/ca.pem"; fi
  } >>"$GITHUB_OUTPUT"
}

# The report comes to the summary, failures to annotations.
check() {
  local target=()
  if [ -n "$D4IOT_TARGET" ]; then target=("$D4IOT_TARGET"); fi
  "$binary" check "${target[@]}" --report github --report "markdown=$folder/summary.md" "${arguments[@]}"
}

sweep() {
  "$binary" sweep --report "text=$folder/sweep.txt" --report "markdown=$folder/summary.md" "${arguments[@]}" -- bash -eo pipefail -c "$D4IOT_RUN"
}

# An annotation for each failed scenario: the line of its verdict, and what is wrong.
annotations() {
  awk '/^[A-Z][A-Z ]+  [a-z_]+\// { title = tolower($0); sub(/  /, " ", title); next }
    title != "" { sub(/^ +/, ""); gsub(/%/, "%25"); print "::error title=" title "::" $0; title = "" }' "$folder/sweep.txt"
}

find_binary
code=0
case $D4IOT_MODE in
serve) serve ;;
check) check || code=$? ;;
sweep)
  sweep || code=$?
  if [ -e "$folder/sweep.txt" ]; then
    cat "$folder/sweep.txt"
    annotations
  fi
  ;;
*)
  echo "::error title=d4iot-double::no such mode: $D4IOT_MODE (serve, check or sweep)"
  exit 2
  ;;
esac
if [ -e "$folder/summary.md" ]; then cat "$folder/summary.md" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$code"
