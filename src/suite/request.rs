//! A step's request: what the documents say one sends, filled in with the values of accounts.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use crate::{
    contract::{
        Contract, Paths, QuoteForm, Readings,
        encoding::{from_hex, percent_encode},
    },
    suite::{Placeholder, Step, command::QuotedRequest, placeholder::StepError},
};

/// Returns a placeholder's value; the placeholder itself gives the request as a snapshot shows it.
pub type Fill<'a> = &'a dyn Fn(Placeholder) -> Result<String, StepError>;

/// Builds the request of a step: method, path and query, headers, body. `served` says which reading of a path the target serves.
///
/// # Errors
/// A placeholder cannot be filled, or the step does not make a request; a test checks all steps for that.
pub fn build(
    step: &Step,
    contract: &Contract,
    served: &Readings,
    fill: Fill<'_>,
) -> Result<Request<Bytes>, StepError> {
    let clause = contract.clause(step.ask);
    let quoted = quoted(step, contract, fill)?;
    let path = step.path.clone().or(quoted.path).unwrap_or_else(|| {
        let fact = format!("{}.path", step.ask);
        let name = step.path_reading.as_deref().or(served.of(&fact));
        let Paths(paths) = &clause.path.pick(name).is;
        paths.first().cloned().unwrap_or_default()
    });
    let method = step.method.clone().or(quoted.method);
    let method = method.unwrap_or_else(|| clause.method.default_reading().is.0.clone());
    let mut body = match (&step.fields, &step.body, &step.body_hex) {
        (Some(fields), ..) => {
            let text = serde_json::Value::from(fields.clone()).to_string();
            fill_text(&text, fill)?.into_bytes()
        }
        (None, Some(text), _) => fill_text(text, fill)?.into_bytes(),
        (None, None, Some(hex)) => bytes(hex)?,
        (None, None, None) => quoted.body.unwrap_or_default().into_bytes(),
    };
    body.resize(body.len().max(step.pad_to.unwrap_or(0)), b' ');
    let content_type = match step.content_type.as_deref() {
        Some(NO_CONTENT_TYPE) => None,
        Some(named) => Some(named.to_owned()),
        None if quoted.content_type.is_some() => quoted.content_type,
        None => (!body.is_empty()).then(|| "application/json".to_owned()),
    };
    let mut target = path;
    for (index, (name, value)) in step.query.iter().enumerate() {
        let separator = if index == 0 { '?' } else { '&' };
        let value = percent_encode(&Placeholder::fill(value, fill)?);
        target.push_str(&format!("{separator}{name}={value}"));
    }
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() =
        Method::from_bytes(method.as_bytes()).map_err(|error| wrong(&method, &error))?;
    let uri = Uri::try_from(&target);
    *request.uri_mut() = uri.map_err(|error| wrong(&target, &error))?;
    *request.headers_mut() = headers(step, quoted.headers, content_type, fill)?;
    Ok(request)
}

fn headers(
    step: &Step,
    quoted: Vec<(String, String)>,
    content_type: Option<String>,
    fill: Fill<'_>,
) -> Result<HeaderMap, StepError> {
    let mut map = HeaderMap::new();
    let mut headers: Vec<(String, String)> = step.headers.clone().into_iter().collect();
    headers.extend(quoted);
    headers.extend(content_type.map(|value| (header::CONTENT_TYPE.to_string(), value)));
    let padding = step.pad_header.map(|length| "x".repeat(length));
    headers.extend(padding.map(|value| ("x-padding".to_owned(), value)));
    for (name, value) in headers {
        let value = HeaderValue::from_str(&Placeholder::fill(&value, fill)?);
        let value = value.map_err(|error| wrong(&name, &error))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(&name, &error))?;
        map.insert(name, value);
    }
    Ok(map)
}

fn wrong(what: &str, error: &dyn ToString) -> StepError {
    StepError(format!("{what}: {}", error.to_string()))
}

/// Returns what a step's quote of the documents gives of a request.
fn quoted(step: &Step, contract: &Contract, fill: Fill<'_>) -> Result<QuotedRequest, StepError> {
    let Some(name) = &step.quote else {
        return Ok(QuotedRequest::default());
    };
    let quote = contract.quotes.get(name);
    let quote = quote.ok_or_else(|| StepError(format!("unknown quote `{name}`")))?;
    let mut text = quote.text.clone();
    let repairs = step.repair.iter().map(|(broken, it)| (broken, it));
    for (old, new) in repairs.chain(&step.fill) {
        text = text.replace(old, new);
    }
    let mut quoted = match quote.form {
        QuoteForm::Example => QuotedRequest {
            body: Some(text),
            ..QuotedRequest::default()
        },
        QuoteForm::Command => QuotedRequest::command(&text)
            .map_err(|StepError(reason)| StepError(format!("{name}: {reason}")))?,
    };
    quoted.body = quoted.body.map(|body| fill_text(&body, fill)).transpose()?;
    Ok(quoted)
}

/// Fills placeholders into text that is JSON or nearly so: a value becomes the inside of a JSON string.
fn fill_text(text: &str, fill: Fill<'_>) -> Result<String, StepError> {
    Placeholder::fill(text, |placeholder| {
        let quoted = serde_json::Value::String(fill(placeholder)?).to_string();
        Ok(quoted[1..quoted.len() - 1].to_owned())
    })
}

fn bytes(hex: &str) -> Result<Vec<u8>, StepError> {
    let digits: String = hex.split_whitespace().collect();
    let wrong = || StepError(format!("`{digits}` is not bytes in hexadecimal"));
    from_hex(&digits).ok_or_else(wrong)
}

/// The content type of a step that sends none.
const NO_CONTENT_TYPE: &str = "none";
