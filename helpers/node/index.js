// Mock Defender for IoT appliances for node:test and vitest: a process for each test file, an appliance for each test.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { findBinary } from "./binary.js";

export { findBinary };

/** The control API refused a request: `status` is that of HTTP, `problem` the answer (RFC 9457). */
export class ControlError extends Error {
  constructor(status, problem) {
    const text = [problem.title, problem.detail].filter(Boolean).join(": ") || `status ${status}`;
    super(problem.hint ? `${text}\nhint: ${problem.hint}` : text);
    this.name = "ControlError";
    this.status = status;
    this.problem = problem;
  }
}

/** Makes a sensor from the keys of a fixture. With a test's context it ends with the test, and a failure prints its journal. */
export function sensor(...options) {
  return appliance("sensor", ...options);
}

/** Makes an on-premises management console. */
export function console(...options) {
  return appliance("console", ...options);
}

/** Makes an appliance: `appliance(kind)`, `appliance(kind, t)`, `appliance(kind, fixture)` or `appliance(kind, t, fixture)`. */
export async function appliance(kind, ...options) {
  const context = isContext(options[0]) ? options.shift() : undefined;
  double ??= start();
  const { url, ca } = await double;
  const created = await send(url, "POST", "/v1/appliances", { appliance: kind, ...options[0] });
  const made = new Appliance(url, ca, created);
  if (context) attach(context, made);
  return made;
}

/** A mock appliance with its own port, users, failure modes, journal and clock. */
export class Appliance {
  #control;
  #path;

  constructor(control, ca, { name, kind, url }) {
    this.#control = control;
    this.#path = `/v1/appliances/${encodeURIComponent(name)}`;
    Object.assign(this, { name, kind, url, ca });
  }

  /** Arms a failure mode: a ready-made one by its name, or one of your own: `fail("busy", { do: { status: 503 } })`. */
  fail(name, mode) {
    if (mode) return this.#send("POST", "/failures", { name, ...mode });
    return this.#send("PATCH", `/failures/${encodeURIComponent(name)}`, { armed: true });
  }

  disarm(name) {
    return this.#send("PATCH", `/failures/${encodeURIComponent(name)}`, { armed: false });
  }

  async failures() {
    return (await this.#send("GET", "/failures")).failures;
  }

  async passwordIs(user, password) {
    return (await this.#send("POST", `/users/${encodeURIComponent(user)}/password-is`, { password })).password_is;
  }

  async changeUser(user, change) {
    await this.#send("PATCH", `/users/${encodeURIComponent(user)}`, change);
  }

  /** Returns the journal's entries; `filters` are those of the control API. */
  async requests(operation, filters) {
    return (await this.#send("GET", `/journal${query({ operation, ...filters })}`)).entries;
  }

  /** Waits until `count` such requests have come, earlier ones included; `timeout` is in milliseconds. */
  async waitFor(operation, { count = 1, timeout = 10_000, ...filters } = {}) {
    const path = `/journal/wait${query({ operation, count, timeout: `${timeout}ms`, ...filters })}`;
    return (await this.#send("GET", path)).entries;
  }

  async freeze() {
    await this.#send("POST", "/clock", { frozen: true });
  }

  /** Moves the appliance's clock forward by milliseconds. */
  async advance(milliseconds) {
    await this.#send("POST", "/clock", { advance: `${milliseconds}ms` });
  }

  async findings() {
    return (await this.#send("GET", "/findings")).findings;
  }

  explain(request) {
    return this.#send("POST", "/explain", request);
  }

  async reset() {
    await this.#send("POST", "/reset");
  }

  /** Closes the port and its connections, and deletes the appliance, if there still is one. */
  async delete() {
    try {
      await this.#send("DELETE", "");
    } catch (error) {
      if (error.status !== 404) throw error;
    }
  }

  /** Returns the journal as text, without passwords. */
  async journal() {
    const entries = await this.requests();
    return [`${this.name} (${this.kind}) ${this.url}, requests: ${entries.length}`, ...entries.flatMap(lines)].join("\n");
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.delete();
  }

  #send(method, path, body) {
    return send(this.#control, method, this.#path + path, body);
  }
}

// One for each process of Node, since node:test has a process for each file.
let double;

/** Returns the URL of the control API and the CA certificate, null without TLS. Starts a process unless `D4IOT_DOUBLE_URL` names one. */
async function start() {
  const url = (process.env.D4IOT_DOUBLE_URL || (await serve())).replace(/\/+$/, "");
  const answer = await fetch(`${url}/v1/ca.pem`);
  return { url, ca: answer.ok ? await answer.text() : null };
}

/** Starts `serve`, which ends with this process, and returns the URL of its control API. */
async function serve() {
  const command = ["serve", "--no-appliances", "--control", "127.0.0.1:0", "--exit-with-stdin", "--quiet"];
  const child = spawn(findBinary(), command, { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (said += text));
  const url = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`d4iot-double serve did not start (exit code ${code}): ${said.trim()}`)));
    createInterface(child.stdout).once("line", (line) => resolve(line.replace(/^ready control /, "")));
  });
  // It does not keep this process alive.
  for (const held of [child, child.stdin, child.stdout, child.stderr]) held.unref();
  return url;
}

async function send(control, method, path, body) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  const token = controlToken();
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(control + path, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new ControlError(answer.status, parse(text));
  return text ? JSON.parse(text) : undefined;
}

function controlToken() {
  const file = process.env.D4IOT_DOUBLE_CONTROL_TOKEN_FILE;
  return file ? readFileSync(file, "utf8").trim() : process.env.D4IOT_DOUBLE_CONTROL_TOKEN;
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function query(filters) {
  const given = Object.entries(filters).filter(([, value]) => value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

function lines(entry) {
  const asked = entry.operation ?? `${entry.request.method} ${entry.request.target}`;
  const by = entry.user ? ` by "${entry.user}"` : "";
  const failure = entry.failure ? `; changed by failure mode ${entry.failure}` : "";
  const told = [
    `  ${entry.number}  ${asked}${by} → ${entry.judged}: ${entry.reason}${failure}`,
    `     answer: ${entry.status ?? "no status"}, ${entry.state}`,
  ];
  return entry.suggestion ? [...told, `     hint: ${entry.suggestion}`] : told;
}

/** Whether it is the context of a test, of node:test or of vitest. */
function isContext(value) {
  return typeof value?.after === "function" || typeof value?.onTestFinished === "function";
}

/** Ends the appliance with its test, and prints its journal first if the test fails. */
function attach(context, made) {
  if (typeof context.onTestFinished === "function") {
    context.onTestFinished(async () => {
      if (context.task.result?.state === "fail") process.stderr.write(`${await made.journal()}\n`);
      await made.delete();
    });
    return;
  }
  context.after(async () => {
    if (!context.passed) for (const line of (await made.journal()).split("\n")) context.diagnostic(line);
    await made.delete();
  });
}
