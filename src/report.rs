//! What a run found, and the formats it is written in: each turns one [`Summary`] into bytes.
//!
//! ```text
//! Summary ── Format::write ──▶ text      for people: what is not a plain pass, counts, readings
//!                              html      for people with time: every case, every exchange, coverage both ways
//!                              markdown  for a page of a build server: the same as text, shorter
//!                              github    for a pull request: annotations at the case's file and line
//!                              json      everything, in the form of conformance/report.schema.json
//!                              junit     for build servers: one suite per target
//!                              profile   for `serve` and `check`: the readings that were followed
//! ```
//!
//! Whatever came from a target is shown with its control characters escaped: a report is safe to print.

mod causes;
mod conclusion;
pub mod difference;
mod extent;
mod fleet;
mod format;
pub mod json;
mod model;
pub mod profile;
mod reason;
#[cfg(test)]
pub(crate) mod sample;
mod sanitize;
mod template;
#[cfg(test)]
mod tests;
mod verdicts;

pub use causes::Cause;
pub use fleet::{ListSummary, MergeError, Shard, ShardError, TargetEnd};
pub use format::{Format, ReportRequest, ReportRequestError, ReportStyle};
pub(crate) use model::fact_name;
pub use reason::{NotJudged, ReasonCode};
pub(crate) use sanitize::{body_text, cut_body, lines as safe_lines};
use serde::{Deserialize, Serialize};
#[cfg(feature = "cli")]
pub(crate) use template::plain;
pub(crate) use template::{Templates, write_with};
pub use verdicts::{Conformance, Counts, Regression};

use crate::contract::Kind;

/// Everything a run found. The one input of every report.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Summary {
    /// The version of this form, 1.
    pub version: u32,
    /// The tool and its version, `d4iot-double 0.1.0`.
    pub tool: String,
    /// When the run ended, RFC 3339 in UTC. Not in the text report.
    #[serde(default)]
    pub date: Option<String>,
    /// What the user calls this run.
    #[serde(default)]
    pub label: Option<String>,
    /// The options of the command; no secrets.
    #[serde(default)]
    pub options: Vec<String>,
    /// What a person must do now. Every report shows it first.
    #[serde(default)]
    pub actions: Vec<String>,
    /// What else is to be known, such as what of a capture was not judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What went wrong with the run itself, and so belongs to no case: a password not given back, a stale known difference, a stop by a safety rule. Any fails the run.
    pub trouble: Vec<String>,
    /// Which targets it is of, if they were listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<ListSummary>,
    /// The failures, grouped by cause.
    #[serde(default)]
    pub causes: Vec<Cause>,
    /// One entry per appliance that was asked.
    pub targets: Vec<TargetSummary>,
}

impl Summary {
    /// Sums up runs of this version of the tool.
    pub(crate) fn new(trouble: Vec<String>, targets: Vec<TargetSummary>) -> Summary {
        Summary {
            version: 1,
            tool: concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned(),
            trouble,
            causes: causes::of(&targets),
            targets,
            ..Summary::default()
        }
    }
}

/// What a run found at one appliance.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct TargetSummary {
    /// What it should be.
    pub kind: Kind,
    /// What was asked, for people: a URL, or `built-in mock`.
    pub target: String,
    /// The SHA-256 of the public key of the certificate it showed.
    #[serde(default)]
    pub certificate: Option<String>,
    /// How many sign-ins failed or may have failed.
    #[serde(default)]
    pub failed_sign_ins: Option<FailedSignIns>,
    /// Why a safety rule ended the run early.
    #[serde(default)]
    pub stopped: Option<String>,
    /// The documented facts that no judged case covers.
    #[serde(default)]
    pub not_asked: Vec<String>,
    /// How often each verdict was reached. Never merged.
    pub counts: Counts,
    /// Which reading it follows, for every fact that was seen.
    pub profile: Vec<Followed>,
    /// Contradictions it does not keep to one reading of: each is a deviation.
    pub inconsistent: Vec<Inconsistency>,
    /// Snapshots without a case; listed on full runs, and no more.
    pub gone: Vec<String>,
    /// The folder in which what is new or changed waits to be reviewed, as `--snapshots` takes it; none where nothing was written for review.
    pub review: Option<String>,
    /// How its run ended, if it is one of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<TargetEnd>,
    /// Every case, in the order it was run; of a target of a list only those that were sent or failed.
    pub cases: Vec<CaseResult>,
}

/// How many sign-ins failed in a run, of how many that might.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub struct FailedSignIns {
    /// How many failed, or may have failed without an answer.
    pub count: u32,
    /// How many may fail.
    pub limit: u32,
}

/// What became of one case.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[non_exhaustive]
pub struct CaseResult {
    /// The stable id.
    pub id: String,
    /// The claim.
    pub title: String,
    /// The facts it covers, by full name, with their register numbers: `X11 validation.authenticated.body`.
    pub facts: Vec<String>,
    /// What it may do to a target: `none`, `auth-failure`, `password-change`.
    pub effect: String,
    /// The first question.
    pub conformance: Conformance,
    /// The second; none without a baseline.
    pub regression: Option<Regression>,
    /// The readings other than the default that the target followed here: `X11 validation.authenticated.body: table`.
    pub reading: Vec<String>,
    /// The file the case stands in, as in the project.
    pub file: String,
    /// The line it starts on, from 1.
    pub line: u32,
    /// Whether this fails the run.
    pub failed: bool,
    /// Why a difference is known and does not fail the run; none where nothing differs, or nobody knew.
    pub known: Option<String>,
    /// Why it was not judged, or what deviates: one line each.
    pub reasons: Vec<CaseFinding>,
    /// What differs from the snapshot, as lines of a difference, or between two times where it is unstable; empty otherwise.
    pub difference: String,
    /// What was sent and what came back.
    pub exchanges: Vec<ExchangeResult>,
}

/// One thing that is wrong or worth knowing about a case.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct CaseFinding {
    /// The step it concerns, from 1; 0 for the whole case.
    pub step: usize,
    /// Why it is not judged, for programs; none where it is.
    #[serde(default)]
    pub code: Option<ReasonCode>,
    /// What was expected: the outcomes, each with its accepted wordings.
    pub expected: String,
    /// What came, told by what it differs in; the answer itself stands in its exchange.
    pub received: String,
    /// The readings of the fact concerned, each with its register number, and `document:line` or `assumed`.
    pub readings: Vec<String>,
    /// A way out, where one is known.
    pub hint: Option<String>,
    /// What was seen of one fact, where the finding is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<SeenReading>,
}

/// What an answer said of a fact, in place of the readings that it may have.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct SeenReading {
    /// The fact's full name.
    pub fact: String,
    /// The reading, or the text of the answer, which stands in the exchange as well.
    #[serde(skip)]
    pub reading: String,
    /// Where the documentation says otherwise.
    pub ground: Option<String>,
}

impl CaseFinding {
    /// Makes a finding about a step, from 1, or about the whole case.
    pub fn new(step: usize, expected: &str, received: impl Into<String>) -> CaseFinding {
        CaseFinding {
            step,
            expected: expected.to_owned(),
            received: received.into(),
            ..CaseFinding::default()
        }
    }

    /// Makes a finding about a step, from 1, that is not judged.
    pub fn not_judged(step: usize, reason: NotJudged) -> CaseFinding {
        CaseFinding {
            code: Some(reason.code),
            ..CaseFinding::new(step, "", reason.text)
        }
    }

    /// Returns what it tells in one line: what came, or what was expected where nothing came.
    pub fn summary(&self) -> &str {
        match &*self.received {
            "" => &self.expected,
            received => received,
        }
    }
}

/// One request and its answer, redacted: values of accounts are placeholders.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct ExchangeResult {
    /// The request as a cURL command, secrets as `$NAMES`.
    pub curl: String,
    /// The status, or none where no answer came.
    pub status: Option<u16>,
    /// The answer's content type.
    pub content_type: Option<String>,
    /// The answer's body as text; a long one is cut.
    pub body: String,
    /// Whether the body is not UTF-8: bytes are `\xff` then, and a backslash is `\\`.
    #[serde(default)]
    pub is_escaped: bool,
    /// Why no answer came.
    pub trouble: Option<String>,
    /// The outcome it was recognised as.
    pub outcome: Option<String>,
    /// How long it took, in microseconds.
    pub micros: u64,
}

/// Which reading of a fact the target follows.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Followed {
    /// The fact's full name.
    pub fact: String,
    /// Its register number, if it has one.
    pub register: Option<String>,
    /// The readings that all answers agree with, the default first; more than one where the cases do not tell them apart; none where answers differ.
    pub readings: Vec<String>,
    /// Whether the first of them is the default.
    pub is_default: bool,
    /// What was seen that is not a reading of the fact, such as a status nobody listed.
    pub other: Vec<String>,
    /// How many answers told.
    pub seen: usize,
}

/// A contradiction of which the target follows several readings at once.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Inconsistency {
    /// The fact's full name.
    pub fact: String,
    /// Its register number, if it has one.
    pub register: Option<String>,
    /// Each reading followed, with the first case that shows it.
    pub followed: Vec<(String, String)>,
    /// Why this is known and does not fail the run.
    pub known: Option<String>,
}

impl CaseResult {
    /// Returns why it was not judged: what came in the first reason, or what was wanted where nothing came.
    pub fn reason(&self) -> &str {
        let first = self.reasons.first();
        first.map_or("no reason given", CaseFinding::summary)
    }

    /// Returns one line for progress: `documented    same     validation.authenticated`.
    pub fn verdict_line(&self) -> String {
        let regression = self.regression.map_or("-", Regression::name);
        let id = sanitize::line(&self.id);
        format!("{:<12}  {regression:<7}  {id}", self.conformance.name())
    }

    /// Returns how long its exchanges took together, in microseconds.
    pub fn micros(&self) -> u64 {
        let micros = self.exchanges.iter().map(|exchange| exchange.micros);
        micros.fold(0, u64::saturating_add)
    }
}

impl Followed {
    /// Returns the fact with its number: `X11 validation.authenticated.body`.
    fn number_and_fact(&self) -> String {
        numbered(self.register.as_deref(), &self.fact)
    }

    /// Names the readings, or what was seen that is no reading.
    fn text(&self) -> String {
        match [&self.readings[..], &self.other].concat() {
            seen if seen.is_empty() => "mixed".to_owned(),
            seen => seen.join(" or "),
        }
    }
}

/// Counts in words: `1 case`, `2 cases`.
pub(crate) fn amount(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

pub(crate) fn numbered(number: Option<&str>, fact: &str) -> String {
    number.map_or_else(|| fact.to_owned(), |number| format!("{number} {fact}"))
}

impl Inconsistency {
    /// Returns the id under which it is told as a case, and known as one: `inconsistent.validation.authenticated.body`.
    pub fn id(&self) -> String {
        format!("inconsistent.{}", self.fact)
    }

    /// Returns the readings followed, each with a case: `example in validation.authenticated, table in validation.token.bogus`.
    pub fn description(&self) -> String {
        let followed = self.followed.iter();
        let texts = followed.map(|(reading, case)| format!("{reading} in {case}"));
        texts.collect::<Vec<_>>().join(", ")
    }
}

impl TargetSummary {
    /// Returns the kind and what was asked, for people: `sensor built-in mock`.
    pub fn name(&self) -> String {
        format!("{} {}", self.kind, sanitize::line(&self.target))
    }
}
