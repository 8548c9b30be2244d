//! A step's request: what the documents say one sends, filled in with the values of accounts.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};

use crate::{
    contract::{
        Contract, QuoteForm, Readings,
        encoding::{from_hex, percent_encode},
    },
    suite::{Placeholder, Step, command::Command},
};

/// What gives a placeholder's value; called with itself it gives the request as a snapshot shows it.
pub type Fill<'a> = &'a dyn Fn(Placeholder) -> Result<String, String>;

/// Builds the request of a step: method, path and query, headers, body. `served` says which reading of a path the target serves.
///
/// # Errors
/// A placeholder that cannot be filled, or a step that makes no request; a test holds all steps against that.
pub fn build(
    step: &Step,
    contract: &Contract,
    served: &Readings,
    fill: Fill<'_>,
) -> Result<Request<Bytes>, String> {
    let clause = contract.clause(step.ask);
    let quoted = Quoted::of(step, contract, fill)?;
    let path_fact = format!("{}.path", step.ask);
    let said_path = || {
        clause
            .path
            .pick(step.path_reading.as_deref().or(served.of(&path_fact)))
            .is
            .0
            .first()
            .cloned()
            .unwrap_or_default()
    };
    let path = step.path.clone().or(quoted.path).unwrap_or_else(said_path);
    let method = step
        .method
        .clone()
        .or(quoted.method)
        .unwrap_or_else(|| clause.method.default_reading().is.0.clone());
    let mut body = match (&step.fields, &step.body, &step.body_hex) {
        (Some(fields), _, _) => filled_fields(fields, fill)?.to_string().into_bytes(),
        (None, Some(text), _) => filled_text(text, fill)?.into_bytes(),
        (None, None, Some(hex)) => bytes_of(hex)?,
        (None, None, None) => quoted.body.unwrap_or_default().into_bytes(),
    };
    body.resize(body.len().max(step.pad_to.unwrap_or(0)), b' ');
    let content_type = match (step.content_type.as_deref(), quoted.content_type) {
        (Some(NONE), _) => None,
        (Some(named), _) => Some(named.to_owned()),
        (None, Some(quoted)) => Some(quoted),
        (None, None) if body.is_empty() => None,
        (None, None) => Some("application/json".to_owned()),
    };
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() =
        Method::from_bytes(method.as_bytes()).map_err(|error| format!("{method}: {error}"))?;
    *request.uri_mut() = target(&path, step, fill)?;
    let named = step
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .chain(quoted.headers);
    for (name, value) in
        named.chain(content_type.map(|value| (header::CONTENT_TYPE.to_string(), value)))
    {
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|error| format!("{name}: {error}"))?;
        let value = Placeholder::fill(&value, fill)?;
        request.headers_mut().insert(
            name,
            HeaderValue::from_str(&value).map_err(|error| error.to_string())?,
        );
    }
    if let Some(length) = step.pad_header {
        request.headers_mut().insert(
            HeaderName::from_static("x-padding"),
            HeaderValue::from_str(&"x".repeat(length)).expect("an x is a header's character"),
        );
    }
    Ok(request)
}

/// What a quote of the documents gives of a request.
#[derive(Default)]
struct Quoted {
    method: Option<String>,
    path: Option<String>,
    headers: Vec<(String, String)>,
    content_type: Option<String>,
    body: Option<String>,
}

impl Quoted {
    fn of(step: &Step, contract: &Contract, fill: Fill<'_>) -> Result<Quoted, String> {
        let Some(name) = &step.quote else {
            return Ok(Quoted::default());
        };
        let quote = contract
            .quotes
            .get(name)
            .ok_or_else(|| format!("unknown quote `{name}`"))?;
        let repaired = step
            .repair
            .iter()
            .fold(quote.text.clone(), |text, (broken, mended)| {
                text.replace(broken, mended)
            });
        let values = step
            .fill
            .iter()
            .fold(repaired, |text, (placeholder, value)| {
                text.replace(placeholder, value)
            });
        match quote.form {
            QuoteForm::Example => Ok(Quoted {
                body: Some(filled_text(&values, fill)?),
                ..Quoted::default()
            }),
            QuoteForm::Command => {
                let command = Command::read(&values).map_err(|error| format!("{name}: {error}"))?;
                Ok(Quoted {
                    method: Some(command.method),
                    path: Some(command.path),
                    headers: command.headers,
                    content_type: Some(command.content_type),
                    body: Some(filled_text(&command.data, fill)?),
                })
            }
        }
    }
}

/// The path with the query of a step behind it, percent-encoded.
fn target(path: &str, step: &Step, fill: Fill<'_>) -> Result<Uri, String> {
    let mut target = path.to_owned();
    for (index, (name, value)) in step.query.iter().enumerate() {
        let encoded = percent_encode(&Placeholder::fill(value, fill)?);
        target.push_str(&format!(
            "{}{name}={encoded}",
            if index == 0 { '?' } else { '&' }
        ));
    }
    target.parse().map_err(|error| format!("{target}: {error}"))
}

fn filled_json(value: &serde_json::Value, fill: Fill<'_>) -> Result<serde_json::Value, String> {
    use serde_json::Value;
    Ok(match value {
        Value::String(text) => Value::String(Placeholder::fill(text, fill)?),
        Value::Array(values) => Value::Array(
            values
                .iter()
                .map(|value| filled_json(value, fill))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(map) => filled_fields(map, fill)?,
        plain => plain.clone(),
    })
}

fn filled_fields(
    map: &serde_json::Map<String, serde_json::Value>,
    fill: Fill<'_>,
) -> Result<serde_json::Value, String> {
    let filled = map
        .iter()
        .map(|(name, value)| Ok((name.clone(), filled_json(value, fill)?)));
    Ok(serde_json::Value::Object(
        filled.collect::<Result<_, String>>()?,
    ))
}

/// Fills placeholders into text that is JSON or nearly so: a value goes in as the inside of a JSON string.
fn filled_text(text: &str, fill: Fill<'_>) -> Result<String, String> {
    Placeholder::fill(text, |placeholder| {
        let quoted = serde_json::Value::String(fill(placeholder)?).to_string();
        Ok(quoted[1..quoted.len() - 1].to_owned())
    })
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, String> {
    let digits: String = hex.split_whitespace().collect();
    match digits.chars().find(|digit| !digit.is_ascii_hexdigit()) {
        Some(other) => Err(format!("`{other}` is not a hexadecimal digit")),
        None => from_hex(&digits).ok_or_else(|| "an odd number of hexadecimal digits".into()),
    }
}

/// The content type that stands for: send none.
const NONE: &str = "none";
