//! A file of hurl: the documented exchanges, each with asserts. `hurl --test --variable url=https://… FILE`.

use std::fmt::Write;

use serde_json::Value as Json;

use super::{Format, Source, escaped, exchanges::DocumentedExchange, text, without_variables};

pub(super) const FORMAT: Format = Format {
    name: "hurl",
    about: "file of hurl with asserts",
    has_exchanges: true,
    has_passwords: true,
    render,
};

fn render(source: &Source) -> String {
    let kind = source.contract.kind;
    let mut file = format!(
        "# The documented exchanges of a {kind}: hurl --test --variable url=https://ADDRESS FILE\n"
    );
    for exchange in source.exchanges().0 {
        // Writing to a string cannot fail.
        let _ = entry(&mut file, source, &exchange);
    }
    file
}

fn entry(file: &mut String, source: &Source, exchange: &DocumentedExchange) -> std::fmt::Result {
    let (request, response) = (&exchange.request, &exchange.response);
    let (id, description) = (&exchange.case.id, source.description(exchange));
    writeln!(file, "\n# {id}: {description}")?;
    let (method, path) = (request.method(), request.uri().path());
    writeln!(file, "{method} {{{{url}}}}{path}")?;
    for (name, value) in request.headers() {
        writeln!(file, "{name}: {}", text(value.as_bytes()))?;
    }
    writeln!(file, "{}", without_variables(request.body()))?;
    writeln!(file, "HTTP {}", response.status().as_u16())?;
    writeln!(file, "[Asserts]")?;
    writeln!(
        file,
        "header \"Content-Type\" startsWith \"application/json\""
    )?;
    let answers = source.answers_to(exchange);
    let texts = answers.iter().filter_map(|answer| {
        let body: Json = serde_json::from_slice(answer.response.body()).ok()?;
        let value = body.as_object()?.values().next()?;
        // A failure has its text in an object, or is that text.
        let inner = value.as_object().and_then(|inner| inner.values().next());
        Some(escaped(&inner.unwrap_or(value).to_string()))
    });
    let mut texts: Vec<String> = texts.collect();
    texts.sort();
    texts.dedup();
    writeln!(file, "body matches /{}/", texts.join("|"))
}
