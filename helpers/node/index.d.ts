import type { TestContext } from "node:test";

export type Kind = "sensor" | "console";
export type Operation = "validation" | "set_password" | "set_password_by_admin";
export type State = "open" | "done" | "cut" | "left";

/** The keys of a fixture beside `appliance`: `users`, `lockout`, `failures`, `use` and others of docs/fixtures.md. */
export type Fixture = Record<string, unknown>;

/** A test's context: of node:test, or of vitest. */
export type Context =
  | Pick<TestContext, "after">
  | { onTestFinished(done: () => Promise<void>): void; task: object };

/** What entries of a journal are chosen by, beside their operation. */
export interface Filters {
  outcome?: string;
  judged?: string;
  state?: State;
  failure?: string;
  user?: string;
  path?: string;
}

/** A mistake of the client, and what to do about it. */
export interface Finding {
  name: string;
  advice: string;
}

/** An entry of an appliance's journal: a request without passwords, what was made of it, and what was answered. */
export interface Entry {
  number: number;
  state: State;
  at_ms: number;
  time: string;
  source: string;
  connection: number;
  operation: Operation | null;
  outcome: string | null;
  judged: string;
  reason: string;
  user: string | null;
  failure: string | null;
  /** The failure mode of the connection, whose certificate and TLS the client has accepted. */
  connection_failure: string | null;
  changed: boolean;
  status: number | null;
  answer: string | null;
  took_ms: number | null;
  request: { method: string; version: string; target: string; headers: [string, string][]; body: string; body_bytes: number; body_cut: boolean };
  fingerprints: Record<string, string>;
  findings: Finding[];
  suggestion: string | null;
}

/** A failure mode: whether it is armed, and how many requests it has seen and changed. */
export interface Failure {
  name: string;
  armed: boolean;
  seen: number;
  fired: number;
  mode?: Record<string, unknown> | null;
}

/** The control API refused a request: `status` is that of HTTP, `problem` the answer (RFC 9457). */
export class ControlError extends Error {
  status: number;
  problem: Record<string, unknown>;
}

/** A mock appliance with its own port, users, failure modes, journal and clock. */
export class Appliance implements AsyncDisposable {
  private constructor();
  readonly name: string;
  readonly kind: Kind;
  /** Where it listens, as `https://127.0.0.1:40123`. */
  readonly url: string;
  /** The CA certificate as PEM, for the option `ca` of node:https; undefined without TLS. */
  readonly ca: string | undefined;
  /**
   * The URL of this appliance in the control API, for what has no method here: docs/control-api.md lists its resources. A token, if
   * there is one, is sent as `Authorization: Bearer …`.
   */
  readonly controlUrl: string;
  /** Arms a failure mode: a ready-made one by its name, narrowed by `{ on, user, when }`, or one of your own: `fail("busy", { do: { status: 503 } })`. */
  fail(name: string, mode?: Record<string, unknown>): Promise<Failure>;
  disarm(name: string): Promise<Failure>;
  failures(): Promise<Failure[]>;
  /** Tells whether that is the user's password, without a sign-in. */
  passwordIs(user: string, password: string): Promise<boolean>;
  changeUser(user: string, change: Record<string, unknown>): Promise<void>;
  requests(operation?: Operation, filters?: Filters): Promise<Entry[]>;
  /** Waits until `count` such requests have come, earlier ones included; `timeout` is in milliseconds, 10,000 if not given. */
  waitFor(operation?: Operation, options?: Filters & { count?: number; timeout?: number }): Promise<Entry[]>;
  freeze(): Promise<void>;
  /** Moves the appliance's clock forward by milliseconds. */
  advance(milliseconds: number): Promise<void>;
  /** The client's mistakes that an answer does not show, each once; `src/journal/findings.yaml` of d4iot-double lists them. */
  findings(): Promise<Finding[]>;
  explain(request: Record<string, unknown>): Promise<Record<string, unknown>>;
  reset(): Promise<void>;
  /** Closes the port and its connections, and deletes the appliance, if there still is one. */
  delete(): Promise<void>;
  /** Returns the journal as text, without passwords. */
  journal(): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes a sensor. With a test's context it ends with the test, and a failing test prints its journal. */
export function sensor(fixture?: Fixture): Promise<Appliance>;
export function sensor(context: Context, fixture?: Fixture): Promise<Appliance>;
/** Makes an on-premises management console. */
export function console(fixture?: Fixture): Promise<Appliance>;
export function console(context: Context, fixture?: Fixture): Promise<Appliance>;
export function appliance(kind: Kind, fixture?: Fixture): Promise<Appliance>;
export function appliance(kind: Kind, context: Context, fixture?: Fixture): Promise<Appliance>;
/** Returns the path of the command: `D4IOT_DOUBLE_BIN`, then that of this system's package, then that on `PATH`. */
export function findBinary(): string;
