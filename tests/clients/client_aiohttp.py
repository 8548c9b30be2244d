"""One request with aiohttp. Reads URL, CA_FILE, BODY and TIMEOUT (seconds); prints one line, as every client here does."""

import asyncio
import errno
import json
import os
import ssl
import sys

import aiohttp


async def line():
    context = ssl.create_default_context(cafile=os.environ["CA_FILE"])
    # What Python does by itself from 3.13 on.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    timeout = aiohttp.ClientTimeout(total=float(os.environ["TIMEOUT"]))
    headers = {"content-type": "application/json"}
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session:
            async with session.post(os.environ["URL"], data=os.environ["BODY"], headers=headers, ssl=context) as answer:
                await answer.json()
                return f"ok {answer.status}"
    except (aiohttp.ClientError, asyncio.TimeoutError, ValueError) as error:
        print(repr(error), file=sys.stderr)
        return kind(error)


def kind(error):
    if isinstance(error, (aiohttp.ContentTypeError, json.JSONDecodeError)):
        return "not-json"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "certificate"
    # Before the others: aiohttp's time-outs are errors of the connection as well.
    if isinstance(error, asyncio.TimeoutError):
        return "timeout"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "truncated"
    if isinstance(error, OSError) and error.errno == errno.ECONNRESET:
        return "reset"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "closed"
    return "other"


print(asyncio.run(line()))
