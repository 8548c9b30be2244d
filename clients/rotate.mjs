// Rotates a password of a Defender for IoT appliance: change, reconcile or verify, by D4IOT_OPERATION. Node 18 or later, no packages.
//
// Ends with 0 only if the appliance itself said that the password is valid. docs/rotation.md says why each step is there.

import { readFileSync } from 'node:fs';
import { request } from 'node:https';

const { D4IOT_URL, D4IOT_CA, D4IOT_KIND, D4IOT_OPERATION, USERNAME, PASSWORD, NEW_PASSWORD, ADMIN_USERNAME, ADMIN_PASSWORD } = process.env;
const prefix = D4IOT_KIND === 'console' ? '/external/authentication/' : '/api/external/authentication/';
const timeout = Number(process.env.D4IOT_TIMEOUT ?? 5) * 1000;
const ca = readFileSync(D4IOT_CA);

// Sends one request. Returns the status and the JSON object of the answer; {} if no such answer came in time.
// `https` follows no redirect and sends nothing again; the signal ends the whole answer.
async function send(operation, body) {
  try {
    return await new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(timeout);
      const headers = { 'content-type': 'application/json' };
      const sent = request(D4IOT_URL + prefix + operation, { method: 'POST', headers, ca, signal, agent: false }, async (answer) => {
        try {
          let text = '';
          for await (const chunk of answer.setEncoding('utf8')) text += chunk;
          const json = JSON.parse(text);
          resolve(json instanceof Object ? { status: answer.statusCode, json } : {});
        } catch (error) {
          reject(error);
        }
      });
      sent.on('error', reject);
      sent.end(JSON.stringify(body));
    });
  } catch {
    return {};
  }
}

// Asks whether a password is valid: true, false, or undefined if the answer says neither.
async function isValid(password) {
  const { status, json } = await send('validation', { username: USERNAME, password });
  if (status === 200 && String(json.msg).startsWith('Authentication succeeded')) return true;
  return /credentials validation failed/i.test(JSON.stringify(json)) ? false : undefined;
}

async function reconcile() {
  // An administrator may set the same password twice: an earlier run does not matter.
  const admin = { admin_username: ADMIN_USERNAME, admin_password: ADMIN_PASSWORD };
  await send('set_password_by_admin', { ...admin, username: USERNAME, new_password: NEW_PASSWORD });
  return (await isValid(NEW_PASSWORD)) === true;
}

async function change() {
  let old = await isValid(PASSWORD);
  if (old === undefined) return false; // nothing is known, so nothing is changed
  if (old) await send('set_password', { username: USERNAME, password: PASSWORD, new_password: NEW_PASSWORD }); // once, whatever comes back
  const isNew = await isValid(NEW_PASSWORD); // also where the old one was refused: an earlier run may have set it
  if (isNew !== false) return isNew === true;
  if (old) old = await isValid(PASSWORD);
  // Neither is valid. No more sign-ins of this user: five refusals lock an address out.
  return old === false && ADMIN_USERNAME !== undefined && (await reconcile());
}

const tasks = { change, reconcile, verify: async () => (await isValid(PASSWORD)) === true };
const done = await tasks[D4IOT_OPERATION]();
console.error(done ? 'done: the password is valid' : 'not done: run again with the same passwords');
process.exit(done ? 0 : 1);
