// Mock Defender for IoT appliances for node:test and vitest: a process for each test file, an appliance for each test.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
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
  const { url, ca, notes } = await double;
  const noted = notes.count;
  const created = await send(url, "POST", "/v1/appliances", { appliance: kind, ...options[0] });
  const made = new Appliance(url, ca, created);
  if (context) attach(context, () => report(made, notes, noted), made);
  return made;
}

/** A mock appliance with its own port, users, failure modes, journal and clock. */
export class Appliance {
  #control;
  #path;

  constructor(control, ca, { name, kind, url }) {
    this.#control = control;
    this.#path = `/v1/appliances/${encodeURIComponent(name)}`;
    // For what has no method here: docs/control-api.md lists its resources.
    Object.assign(this, { name, kind, url, ca, controlUrl: control + this.#path });
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

  /** Returns the client's mistakes that an answer does not show; `src/journal/findings.yaml` of d4iot-double lists them. */
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
    return text(this, await this.requests());
  }

  [Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]() {
    return this.delete();
  }

  #send(method, path, body) {
    return send(this.#control, method, this.#path + path, body);
  }
}

const text = ({ name, kind, url }, entries) => [`${name} (${kind}) ${url}, requests: ${entries.length}`, ...entries.flatMap(lines)].join("\n");

/** Returns the journal; if no request came, also what the process noted: a TLS handshake that failed, for instance. */
async function report(appliance, notes, noted) {
  const entries = await appliance.requests();
  const said = entries.length ? [] : await notes.since(noted);
  return [text(appliance, entries), ...(said.length ? ["notes of d4iot-double:", ...said.map((line) => `  ${line}`)] : [])].join("\n");
}

// The number of lines that are kept, and of those that a failing test shows.
const KEPT_NOTES = 50;
const SHOWN_NOTES = 5;

// Milliseconds that a failing test waits for the first note, which the process writes after the client has failed.
const NOTE_TIME = 300;

/** The last lines that a process wrote on its standard error; none of a process that is somebody else's. */
class Notes {
  count = 0;
  lines = [];

  constructor(stream) {
    this.stream = stream;
    if (stream) createInterface(stream).on("line", (line) => this.#add(line));
  }

  #add(line) {
    // How to stop it is for people at a terminal.
    if (line.includes("Ctrl-C")) return;
    this.count += 1;
    this.lines.push(line);
    if (this.lines.length > KEPT_NOTES) this.lines.shift();
  }

  /** Returns the last lines after so many; waits a moment for the first. */
  async since(count) {
    const end = Date.now() + NOTE_TIME;
    while (this.stream && this.count === count && Date.now() < end) await wait(10);
    return this.count === count ? [] : this.lines.slice(-Math.min(this.count - count, SHOWN_NOTES));
  }
}

// One for each process of Node, since node:test has a process for each file.
let double;

/**
 * Returns the URL of the control API, the CA certificate (undefined without TLS) and the notes of the process. Starts one unless
 * `D4IOT_DOUBLE_URL` names a control API.
 */
async function start() {
  const named = process.env.D4IOT_DOUBLE_URL;
  const { url, notes } = named ? { url: named.replace(/\/*(\/v1)?\/*$/, ""), notes: new Notes() } : await serve();
  const answer = await ask(`${url}/v1/ca.pem`);
  return { url, notes, ca: answer.ok ? await answer.text() : undefined };
}

/** Starts `serve`, which ends with this process. Returns the URL of its control API, and its notes. */
async function serve() {
  const command = ["serve", "--no-appliances", "--control", "127.0.0.1:0", "--exit-with-stdin"];
  const child = spawn(findBinary(), command, { stdio: ["pipe", "pipe", "pipe"] });
  const notes = new Notes(child.stderr);
  const url = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`d4iot-double serve did not start (exit code ${code}): ${notes.lines.join("\n")}`)));
    createInterface(child.stdout).once("line", (line) => resolve(line.replace(/^ready control /, "")));
  });
  // It does not keep this process alive.
  for (const held of [child, child.stdin, child.stdout, child.stderr]) held.unref();
  return { url, notes };
}

async function ask(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    const source = process.env.D4IOT_DOUBLE_URL ? " that D4IOT_DOUBLE_URL names" : "";
    throw new Error(`the control API${source} does not answer: ${url}: ${error.cause?.message ?? error.message}`, { cause: error });
  }
}

async function send(control, method, path, body) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  const token = controlToken();
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await ask(control + path, { method, headers, body: JSON.stringify(body) });
  const content = await answer.text();
  if (!answer.ok) throw new ControlError(answer.status, parse(content));
  return content ? JSON.parse(content) : undefined;
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
  const failure = entry.failure ? `; under failure mode ${entry.failure}` : "";
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

/** Ends the appliance with its test; if the test fails, prints the report first, after the name of the test. */
function attach(context, report, made) {
  if (typeof context.onTestFinished === "function") {
    context.onTestFinished(async () => {
      try {
        if (context.task.result?.state === "fail") process.stderr.write(`${context.task.name}\n${await report()}\n`);
      } finally {
        await made.delete();
      }
    });
    return;
  }
  context.after(async () => {
    try {
      if (!context.passed) for (const line of [context.name, ...(await report()).split("\n")]) context.diagnostic(line);
    } finally {
      await made.delete();
    }
  });
}
