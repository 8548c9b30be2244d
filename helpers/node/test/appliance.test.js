import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import https from "node:https";
import { test } from "node:test";
import { ControlError, console as makeConsole, sensor } from "@d4iot/double";

/** Sends a request as a client does. Returns the status; rejects if no answer comes. */
async function send(appliance, operation, body) {
  const prefix = appliance.kind === "sensor" ? "/api/external/authentication/" : "/external/authentication/";
  const headers = { "content-type": "application/json" };
  const request = https.request(appliance.url + prefix + operation, { method: "POST", headers, ca: appliance.ca, agent: false });
  request.end(JSON.stringify(body));
  const [answer] = await once(request, "response");
  answer.resume();
  await once(answer, "end");
  return answer.statusCode;
}

const change = (appliance) => send(appliance, "set_password", { username: "test", password: "Test12345!", new_password: "Later12345!" });
const validate = (appliance) => send(appliance, "validation", { username: "test", password: "Test12345!" });

test("a lost answer leaves the new password", async (t) => {
  const s = await sensor(t);
  assert.equal((await s.fail("commit_then_reset")).armed, true);

  await assert.rejects(change(s));

  assert.equal(await s.passwordIs("test", "Later12345!"), true);
  assert.equal(await s.passwordIs("test", "Test12345!"), false);
  const [entry, ...others] = await s.waitFor("set_password", { failure: "commit_then_reset", state: "cut" });
  assert.deepEqual([entry.state, entry.changed, others], ["cut", true, []]);
  const journal = await s.journal();
  assert.match(journal, /set_password by "test" → password_replaced.*under failure mode commit_then_reset/);
  assert.doesNotMatch(journal, /Later12345!/);
});

test("a console has its own paths", async (t) => {
  const c = await makeConsole(t);
  assert.equal(await validate(c), 200);
});

test("a fixture gives users, and a failure of one's own is disarmed", async (t) => {
  const s = await sensor(t, { users: [{ username: "test", password: "Test12345!", role: "read_only" }] });
  assert.deepEqual((await s.fail("rebooting", { on: "set_password" })).mode.when, { times: 3 });
  await s.fail("busy", { on: "validation", do: { status: 503 } });
  assert.equal(await validate(s), 503);
  await s.disarm("busy");
  await s.changeUser("test", { state: "locked" });
  assert.equal(await validate(s), 401);
  assert.deepEqual((await s.failures()).map((mode) => mode.fired), [0, 1]);
});

test("a delayed answer comes when the clock moves", async (t) => {
  const s = await sensor(t);
  await s.fail("late", { do: { delay: "1h" } });
  await s.freeze();
  const answer = change(s);
  assert.equal((await s.waitFor("set_password", { state: "open" })).length, 1);
  await s.advance(3_600_000);
  assert.equal(await answer, 200);
});

test("errors have a hint, and a status", async (t) => {
  const s = await sensor(t);
  await assert.rejects(s.fail("commit_then_rest"), /did you mean `commit_then_reset`/);
  await assert.rejects(s.waitFor("validation", { timeout: 10 }), (error) => error instanceof ControlError && error.status === 409);
  assert.match((await s.explain({ path: "/external/authentication/validation" })).suggestion, /this appliance is a sensor/);
  assert.deepEqual(await s.findings(), []);
});

test("a deleted appliance is gone, and a reset one is as before", async () => {
  const s = await sensor();
  await change(s);
  await s.reset();
  assert.deepEqual([await s.requests(), await validate(s)], [[], 200]);
  await s.delete();
  await s.delete();
  await assert.rejects(validate(s));
});

/** Runs a program in a process of its own. */
function run(program, env) {
  return spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    encoding: "utf8",
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
  });
}

test("a failing test prints its journal", () => {
  const { status, stdout } = run(`
    import { test } from "node:test";
    import { sensor } from "@d4iot/double";
    test("fails", async (t) => { await sensor(t); throw new Error("on purpose"); });
  `);
  assert.equal(status, 1, stdout);
  assert.match(stdout, /# fails\n *# sensor.* \(sensor\) https:.*, requests: 0/);
  assert.doesNotMatch(stdout, /notes of|Ctrl-C/);
});

test("a failing test without a request prints why", () => {
  const program = `
    import { test } from "node:test";
    import { sensor } from "@d4iot/double";
    test("fails", async (t) => { await fetch((await sensor(t)).url.replace("https", "http")); });
    test("later", async (t) => { await sensor(t); throw new Error("on purpose"); });
  `;
  const { stdout } = run(program, { D4IOT_DOUBLE_URL: "" });
  assert.match(stdout, /requests: 0\n *# notes of d4iot-double:\n *# +note: .*the client does not speak TLS/);
  assert.equal(stdout.match(/notes of d4iot-double/g).length, 1);
});

test("the control API is asked for what has no method", async (t) => {
  const s = await sensor(t);
  const answer = await (await fetch(`${s.controlUrl}/users`)).json();
  assert.ok(answer.users.some((user) => user.username === "test"));
});

test("the URL of a control API may end with /v1", async (t) => {
  const api = (await sensor(t)).controlUrl.replace(/\/v1\/.*/, "");
  for (const end of ["", "/", "/v1", "/v1/"]) {
    const { status, stderr } = run(MAKES_ONE, { D4IOT_DOUBLE_BIN: "/nowhere", D4IOT_DOUBLE_URL: api + end });
    assert.equal(status, 0, stderr);
  }
});

const MAKES_ONE = 'import { sensor } from "@d4iot/double"; await sensor();';

test("a program ends although its mock still runs", () => {
  assert.equal(run(MAKES_ONE).status, 0);
});

test("a token is sent, which the process that was started wants", () => {
  assert.equal(run(MAKES_ONE, { D4IOT_DOUBLE_CONTROL_TOKEN: "0123456789abcdef0123456789abcdef", D4IOT_DOUBLE_URL: "" }).status, 0);
});

test("a missing command is named", () => {
  const { status, stderr } = run(MAKES_ONE, { D4IOT_DOUBLE_BIN: "/nowhere", D4IOT_DOUBLE_URL: "" });
  assert.equal(status, 1);
  assert.match(stderr, /D4IOT_DOUBLE_BIN names no file that can be run: \/nowhere/);
});

test("a control API that runs already is asked, and nothing is started", () => {
  const { stderr } = run(MAKES_ONE, { D4IOT_DOUBLE_BIN: "/nowhere", D4IOT_DOUBLE_URL: "http://127.0.0.1:2" });
  assert.match(stderr, /the control API that D4IOT_DOUBLE_URL names does not answer: .*ECONNREFUSED/);
});
