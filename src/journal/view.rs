//! An entry as anybody may read it: masked by place, then redacted by value.

use std::{collections::BTreeSet, time::Duration};

use serde::{Serialize, de::IgnoredAny};
use serde_json::{Map, Value};

use crate::{
    appliance::Rules,
    contract,
    contract::{Field, Kind, Operation, Outcome, encoding},
    journal::{Finding, JournalEntry, SentAnswer, suggestion},
    redact::{Fingerprints, Mask, Redactor},
};

/// Makes readable copies of an appliance's entries, without passwords.
pub struct JournalRedactor<'a> {
    rules: &'a Rules,
    fingerprints: Fingerprints,
    mask: Mask,
    redactor: Redactor,
}

/// An entry, for a reader.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EntryView {
    /// Its number, counted from 1 at each appliance.
    pub number: u64,
    /// What has become of the answer: `open`, `done`, `cut` or `left`.
    pub state: &'static str,
    /// When it was judged, in milliseconds on the appliance's clock.
    pub at_ms: f64,
    /// The same as the time of day: RFC 3339, in UTC.
    pub time: String,
    /// The client's address.
    pub source: String,
    /// The number of the connection.
    pub connection: u64,
    /// The operation, if it hit one.
    pub operation: Option<&'static str>,
    /// The outcome that the client was told; none where a failure mode sent something else instead.
    pub outcome: Option<&'static str>,
    /// The outcome that the appliance came to.
    pub judged: &'static str,
    /// Why, in words.
    pub reason: String,
    /// The user it is about, if it names one.
    pub user: Option<String>,
    /// The failure mode that changed the answer.
    pub failure: Option<String>,
    /// The failure mode of the connection it came over: the client has accepted its certificate and its TLS.
    pub connection_failure: Option<String>,
    /// Whether a password was replaced.
    pub changed: bool,
    /// The status of the answer, once that has ended.
    pub status: Option<u16>,
    /// The content type of the answer.
    pub content_type: Option<String>,
    /// The body of the answer, whole, once that has ended; no password is in it.
    pub answer: Option<String>,
    /// How long the answer took, in milliseconds on the wall clock, once it has ended.
    pub took_ms: Option<f64>,
    /// The request.
    pub request: RequestView,
    /// The fingerprints of the passwords in it, by field: the same password has the same one all through a run.
    pub fingerprints: Map<String, Value>,
    /// What is wrong with the client.
    pub findings: Vec<FindingView>,
    /// What may have been meant, where it hit no operation.
    pub suggestion: Option<String>,
}

/// A request, for a reader.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RequestView {
    /// The method.
    pub method: String,
    /// The version of HTTP: `HTTP/1.1`.
    pub version: String,
    /// Path and query, the query's values masked.
    pub target: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// What was kept of the body, its passwords masked.
    pub body: String,
    /// How long the body was, in bytes.
    pub body_bytes: u32,
    /// Whether only the beginning of the body was kept.
    pub body_cut: bool,
}

/// A finding, for a reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FindingView {
    /// Its name.
    pub name: &'static str,
    /// What is wrong and what to do.
    pub advice: String,
}

impl<'a> JournalRedactor<'a> {
    /// Hides what `redactor` hides, and the passwords that stand in the entries themselves; labels them with this
    /// run's fingerprints.
    pub fn new(rules: &'a Rules, fingerprints: Fingerprints, redactor: Redactor) -> Self {
        JournalRedactor {
            rules,
            mask: Mask::new(fingerprints.clone(), names(rules.kind())),
            fingerprints,
            redactor,
        }
    }

    /// Returns an entry as it may be read.
    pub fn view(&self, entry: &JournalEntry) -> EntryView {
        let data = &entry.data;
        let (class, request) = (&data.class, &data.request);
        let fields = fields(request.body());
        // Passwords that nobody has may stand a second time in a request, where no place tells it.
        let own = Redactor::of_fields(&fields);
        let clean = |text: &str| own.text(&self.redactor.text(text)).into_owned();
        let header = |(name, value): (&str, &[u8])| {
            let value = self.mask.header(name, &String::from_utf8_lossy(value));
            (clean(name), clean(&value))
        };
        let is_password = |name: &str| Field::NAMES.contains(&name) && name.contains("password");
        let passwords = fields.iter().filter(|(name, _)| is_password(name));
        let answer = |sent: &SentAnswer| clean(&String::from_utf8_lossy(&sent.body));
        let content_type = |sent: &SentAnswer| {
            let value = sent.content_type.as_ref()?.to_str().ok()?;
            Some(clean(value))
        };
        let findings = data.findings.iter();
        let findings = findings.map(|finding| self.finding(*finding, entry, &fields));
        let suggest = || clean(&suggestion(self.rules, request.path()));
        EntryView {
            number: entry.number,
            state: entry.progress.name(),
            at_ms: milliseconds(data.at.0),
            time: encoding::timestamp_millis(data.time),
            source: data.source.to_string(),
            connection: data.connection,
            operation: class.operation.map(Operation::name),
            outcome: class.outcome.map(Outcome::name),
            judged: class.judged.name(),
            reason: data.reason.map_or_else(
                || format!("refused before it was read: {}", class.judged),
                |reason| reason.to_string(),
            ),
            user: data.user.as_deref().map(clean),
            failure: class.failure.as_deref().map(str::to_owned),
            connection_failure: class.connection_failure.as_deref().map(str::to_owned),
            changed: data.changed,
            status: entry.sent.as_ref().map(|sent| sent.status.as_u16()),
            content_type: entry.sent.as_ref().and_then(content_type),
            answer: entry.sent.as_ref().map(answer),
            took_ms: entry.took().map(milliseconds),
            request: RequestView {
                method: clean(request.method.as_str()),
                version: format!("{:?}", request.version),
                target: self.target(request.target(), &clean),
                headers: request.headers().map(header).collect(),
                body: clean(&self.mask.body(request.body())),
                body_bytes: request.body_bytes,
                body_cut: request.body().len() < request.body_bytes as usize,
            },
            fingerprints: passwords
                .map(|(name, value)| (name.clone(), self.fingerprints.of(value).into()))
                .collect(),
            findings: findings.collect(),
            suggestion: class.operation.is_none().then(suggest),
        }
    }

    /// Returns path and query, the query's values masked.
    fn target(&self, target: &str, clean: &dyn Fn(&str) -> String) -> String {
        let Some((path, query)) = target.split_once('?') else {
            return clean(target);
        };
        let whole = clean(target);
        if !whole.starts_with(&clean(path)) {
            // A password with a question mark in it begins in the path: by itself that shows the half of it.
            let label = whole.find('»').map_or(0, |start| start + '»'.len_utf8());
            return format!("{}?{}", &whole[..label], self.mask.masked(query));
        }
        clean(&format!("{path}?{}", self.mask.query(query)))
    }

    fn finding(&self, finding: Finding, entry: &JournalEntry, fields: &TextFields) -> FindingView {
        let data = &entry.data;
        let detail = match (finding, data.class.operation) {
            // The reader's own words name a place and a kind of fault, and quote nothing.
            (Finding::MalformedBody | Finding::InvalidEscape, _) => {
                let parsed = serde_json::from_slice::<IgnoredAny>(data.request.body());
                parsed.err().map(|error| error.to_string())
            }
            (Finding::MissingField, Some(operation)) => {
                let clause = contract::of(self.rules.kind()).clause(operation);
                let wanted = clause.fields.keys();
                let is_missing = |name: &&str| fields.iter().all(|(given, _)| given != name);
                let missing: Vec<&str> = wanted.map(|f| f.name()).filter(is_missing).collect();
                Some(missing.join(", "))
            }
            _ => None,
        };
        let detail = detail.map_or_else(String::new, |detail| format!(" ({detail})"));
        FindingView {
            name: finding.name(),
            advice: format!("{}{detail}", finding.advice()),
        }
    }
}

impl JournalEntry {
    /// Returns the passwords that a request holds under the names of fields.
    pub fn passwords(&self) -> Vec<String> {
        let fields = fields(self.data.request.body()).into_iter();
        let passwords = fields.filter(|(name, _)| name.contains("password"));
        passwords.map(|(_, value)| value).collect()
    }
}

/// Returns the user that a body names, whatever is wrong with it.
pub fn named_user(body: &[u8]) -> Option<String> {
    let mut fields = fields(body).into_iter();
    let user = fields.find(|(name, _)| name == Field::Username.name());
    user.map(|(_, value)| value)
}

/// Names and texts of a body that is a JSON object. Of two of one name the last.
type TextFields = Vec<(String, String)>;

fn fields(body: &[u8]) -> TextFields {
    let object: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let texts = object.into_iter();
    texts
        .filter_map(|(name, value)| Some((name, value.as_str()?.to_owned())))
        .collect()
}

/// Returns every name that a document gives to a field.
fn names(kind: Kind) -> BTreeSet<String> {
    let clauses = contract::of(kind).operations.values();
    let fields = clauses.flat_map(|clause| clause.fields.values());
    let readings = fields.flat_map(|fact| fact.readings());
    readings
        .flat_map(|reading| reading.is.0.iter().cloned())
        .collect()
}

fn milliseconds(time: Duration) -> f64 {
    // Microseconds are what a reader can use.
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// What a line says instead of an outcome that the client was not told.
pub const OTHER_ANSWER: &str = "another answer";
