// One request with Node's fetch. Reads URL, BODY and TIMEOUT (seconds); prints one line, as every client here does.
// Node takes further CAs only at its start: NODE_EXTRA_CA_CERTS has to name the file.

async function line() {
  try {
    const answer = await fetch(process.env.URL, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: process.env.BODY,
      signal: AbortSignal.timeout(Number(process.env.TIMEOUT) * 1000),
    });
    await answer.json();
    return `ok ${answer.status}`;
  } catch (error) {
    console.error(error);
    return kind(error);
  }
}

function kind(error) {
  if (error.name === 'SyntaxError') return 'not-json';
  if (error.name === 'TimeoutError') return 'timeout';
  // Everything else is a TypeError that keeps to its cause what happened.
  const code = error.cause?.code ?? '';
  if (/^(CERT_|ERR_TLS_CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code)) return 'certificate';
  // A body that breaks off, by whatever, is "terminated"; a head that never came is "fetch failed".
  if (error.message === 'terminated') return 'truncated';
  if (code === 'ECONNRESET') return 'reset';
  // "other side closed": what libuv makes of a reset that arrives together with bytes, as TLS tickets do.
  if (code === 'UND_ERR_SOCKET') return 'closed';
  return 'other';
}

console.log(await line());
