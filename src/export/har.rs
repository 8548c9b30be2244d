//! An HTTP archive, format 1.2: the documented exchanges.

use serde_json::{Value as Json, json};

use super::{ADDRESS, Format, Source, exchanges::DocumentedExchange, headers, text};

pub(super) const FORMAT: Format = Format {
    name: "har",
    about: "HTTP archive of the documented exchanges",
    has_exchanges: true,
    has_passwords: true,
    render: |source| format!("{:#}\n", archive(source)),
};

fn archive(source: &Source) -> Json {
    let (exchanges, _) = source.exchanges();
    let entries: Vec<Json> = exchanges
        .iter()
        .enumerate()
        .map(|numbered| entry(source, numbered))
        .collect();
    let creator = json!({ "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") });
    json!({ "log": { "version": "1.2", "creator": creator, "entries": entries } })
}

fn entry(source: &Source, (second, exchange): (usize, &DocumentedExchange)) -> Json {
    let (request, response) = (&exchange.request, &exchange.response);
    json!({
        // An archive wants a time. They are in order, and the same at each export.
        "startedDateTime": format!("2000-01-01T00:00:{second:02}.000Z"),
        "time": 0,
        "comment": format!("{}: {}", exchange.case.id, source.description(exchange)),
        "request": {
            "method": request.method().as_str(),
            "url": format!("https://{ADDRESS}{}", request.uri()),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers("name", request.headers()),
            "queryString": [],
            "postData": { "mimeType": "application/json", "text": text(request.body()) },
            "headersSize": -1,
            "bodySize": request.body().len(),
        },
        "response": {
            "status": response.status().as_u16(),
            "statusText": response.status().canonical_reason().unwrap_or_default(),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers("name", response.headers()),
            "content": { "size": response.body().len(), "mimeType": "application/json", "text": text(response.body()) },
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": response.body().len(),
        },
        "cache": {},
        "timings": { "send": 0, "wait": 0, "receive": 0 },
    })
}
