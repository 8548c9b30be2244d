//! A Postman collection, format 2.1: the documented exchanges, each with tests.

use serde_json::{Value as Json, json};

use super::{
    ADDRESS, Format, Source, exchanges::DocumentedExchange, headers, text, without_variables,
};
use crate::contract::Operation;

pub(super) const FORMAT: Format = Format {
    name: "postman",
    about: "Postman collection with tests, also for newman",
    has_exchanges: true,
    has_passwords: true,
    render: |source| format!("{:#}\n", collection(source)),
};

fn collection(source: &Source) -> Json {
    let kind = source.contract.kind;
    let (exchanges, _) = source.exchanges();
    let folder = |operation: &Operation| {
        let own = exchanges
            .iter()
            .filter(|exchange| exchange.operation == *operation);
        json!({ "name": operation.name(), "item": own.map(|it| item(source, it)).collect::<Vec<_>>() })
    };
    json!({
        "info": {
            "name": format!("Authentication API of a Microsoft Defender for IoT {kind}"),
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "variable": [{ "key": "url", "value": format!("https://{ADDRESS}") }],
        "item": Operation::ALL.iter().map(folder).collect::<Vec<_>>(),
    })
}

fn item(source: &Source, exchange: &DocumentedExchange) -> Json {
    let (request, response) = (&exchange.request, &exchange.response);
    let path = request.uri().path();
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let request = json!({
        "method": request.method().as_str(),
        "header": headers("key", request.headers()),
        "url": { "raw": format!("{{{{url}}}}{path}"), "host": ["{{url}}"], "path": segments },
        "body": { "mode": "raw", "raw": without_variables(request.body()), "options": { "raw": { "language": "json" } } },
        "description": source.description(exchange),
    });
    json!({
        "name": exchange.case.id,
        "request": request,
        "event": [{ "listen": "test", "script": { "type": "text/javascript", "exec": tests(source, exchange) } }],
        "response": [{
            "name": exchange.key.outcome.name(),
            "originalRequest": request,
            "status": response.status().canonical_reason(),
            "code": response.status().as_u16(),
            "header": headers("key", response.headers()),
            "body": text(response.body()),
        }],
    })
}

fn tests(source: &Source, exchange: &DocumentedExchange) -> Vec<String> {
    let status = exchange.response.status().as_u16();
    let assumed = source.assumed_status(exchange.key);
    let assumed = assumed.map_or("", |_| " (assumed)");
    let answers = source.answers_to(exchange);
    let bodies = answers.iter().map(|answer| text(answer.response.body()));
    let bodies: Vec<String> = bodies.collect();
    let outcome = exchange.key.outcome;
    vec![
        format!("pm.test(\"status {status}{assumed}\", () => pm.response.to.have.status({status}));"),
        "pm.test(\"content type\", () => pm.expect(pm.response.headers.get(\"Content-Type\")).to.match(/^application\\/json/));".to_owned(),
        format!("pm.test(\"body of {outcome}\", () => pm.expect([{}]).to.deep.include(pm.response.json()));", bodies.join(", ")),
    ]
}
