#!/usr/bin/env bash
# Prints the calls between the socket and the answer of one request, as a debugger sees them: the
# functions of this crate on the stack wherever a request is read, parsed, evaluated, rendered and
# written. Fails if there are more than 35, or if one of them has more than 60 lines.
#
# Needs gdb with Python, curl, and a debug build: cargo build && docs/development/request-path.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=${1:-target/debug/d4iot-double}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/path.py" <<'PYTHON'
import os, re, gdb

# Where a backtrace is taken: a file, and a function in it.
LANDMARKS = [
    ("src/server/stream.rs", "poll_read"),
    ("src/server/validate_head.rs", "validate_head"),
    ("src/appliance/body.rs", "parse"),
    ("src/appliance/evaluate.rs", "check"),
    ("src/appliance/change.rs", "commit"),
    ("src/failure/schedule.rs", "request"),
    ("src/journal.rs", "push"),
    ("src/journal.rs", "complete"),
    ("src/appliance/render.rs", "render_response"),
    ("src/failure/apply.rs", "apply"),
    ("src/failure/script.rs", "script"),
    ("src/server/script.rs", "run"),
    ("src/server/stream.rs", "poll_write"),
]
FUNCTION = re.compile(r"\s*(pub(\(\w+\))? )?(async )?fn (\w+)")
path, files = {}, {}

def source(file):
    if file not in files:
        files[file] = open(file, encoding="utf8").read().split("\n")
    return files[file]

def enclosing(file, line):
    """The name of the function around a line, and its number of lines."""
    text, first = source(file), line - 1
    while not FUNCTION.match(text[first]):
        first -= 1
    end = re.match(r"\s*", text[first]).group() + "}"
    last = text.index(end, first)
    return FUNCTION.match(text[first]).group(4), first + 1, last - first + 1

def bodies(file, function):
    """The first lines inside the functions of a name."""
    text = source(file)
    for number, line in enumerate(text):
        match = FUNCTION.match(line)
        if match and match.group(4) == function:
            while not text[number].endswith("{"):
                number += 1
            yield number + 2

class Landmark(gdb.Breakpoint):
    def stop(self):
        frame, stack = gdb.newest_frame(), []
        while frame is not None:
            sal = frame.find_sal()
            file = os.path.relpath(sal.symtab.fullname()) if sal.symtab else ""
            if file.startswith("src/") and not file.startswith(("src/cli", "src/main", "src/lib")):
                stack.append((file, *enclosing(file, sal.line)))
            frame = frame.older()
        # At the start, fixtures are read by some of the same functions.
        if any(file == "src/server/task.rs" for file, *_ in stack):
            for call in reversed(stack):
                path.setdefault(call)
        return False

gdb.execute("set pagination off")
gdb.execute("set print thread-events off")
gdb.execute("handle SIGTERM nostop noprint pass")
for file, function in LANDMARKS:
    for line in bodies(file, function):
        Landmark(f"{file}:{line}")
gdb.execute("run")
for file, name, first, count in path:
    print(f"{count:4} lines  {file}:{first}  {name}")
long = [name for _, name, _, count in path if count > 60]
print(f"{len(path)} calls in {len({call[0] for call in path})} files; {len(long)} over 60 lines")
gdb.execute(f"quit {int(not path or len(path) > 35 or bool(long))}")
PYTHON

cat >"$work/fixture.yaml" <<'YAML'
appliance: sensor
failures: [{ name: slow, on: set_password, do: { delay: 1ms } }]
YAML

field() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",]*\).*/\1/p" "$work/ready.json"; }
send() {
  curl -s -o "$work/answer" -H 'content-type: application/json' \
    "$(field url)/api/external/authentication/$1" -d "$2"
}
(
  until [ -e "$work/ready.json" ]; do
    [ -d "$work" ] || exit
    sleep 0.1
  done
  send validation '{"username":"test","password":"Test12345!"}'
  send set_password '{"username":"test","password":"Test12345!","new_password":"Test54321!"}'
  kill -TERM "$(field pid)"
) &
gdb -batch -x "$work/path.py" --args "$binary" -q serve "$work/fixture.yaml" \
  --http --listen 127.0.0.1:0 --ready-file "$work/ready.json"
