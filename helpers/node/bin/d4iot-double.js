#!/usr/bin/env node
// Runs the command with this process's arguments, streams and signals.

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { findBinary } from "../binary.js";

const child = spawn(findBinary(), process.argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(`error: ${error.message}`);
  process.exit(70);
});
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
