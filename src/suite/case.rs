//! One case: what must hold before, what is sent, what is expected, what it may do to a target.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    contract::{Kind, Operation, closed_set},
    suite::Expect,
};

/// One case of `conformance/cases/*.yaml`: a stable id and the steps that provoke an outcome.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The stable id, `validation.authenticated`: lower-case letters, digits, `_` and `.`. Never reused.
    pub id: String,
    /// What the case finds out, as a claim.
    pub title: String,
    /// The kinds of appliance it applies to.
    #[serde(default = "both")]
    pub kinds: Vec<Kind>,
    /// Words to select it by, beside its operation.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The facts it covers beyond those of the answers it expects: full names or globs.
    #[serde(default)]
    pub facts: Vec<String>,
    /// What the worst plausible target would do.
    pub effect: Effect,
    /// What the target must be beyond having the accounts that the steps name.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Set where the documents are silent on the answer but not on this: a success is a deviation.
    pub must_not: Option<Forbidden>,
    /// What is sent, in order. Every step is judged.
    pub steps: Vec<Step>,
}

closed_set! {
    /// What a case may do to the worst plausible target.
    Effect, "effect" {
        /// Nothing.
        None = "none",
        /// It may count as a failed sign-in of an existing account.
        AuthFailure = "auth-failure",
        /// It may change a password.
        PasswordChange = "password-change",
    }
}

/// What only a mock can offer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// An appliance whose policy takes every character, and as many as one likes: of the product's published policies one names its symbols.
    AnySymbol,
    /// An appliance that locks an account after three failed sign-ins.
    AccountLockout,
    /// An appliance that locks a source address after three failed sign-ins.
    Lockout,
    /// The users of the documents' examples, with the passwords of the page.
    Page,
}

/// What no reading allows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Forbidden {
    /// An answer that says it worked.
    Success,
}

/// One request and the answer it should get.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The operation that is asked: gives method, path and content type unless they are named below.
    pub ask: Operation,
    /// The fields of the JSON body, in order; strings may hold placeholders. Nothing else is escaped or added.
    pub fields: Option<serde_json::Map<String, serde_json::Value>>,
    /// The body as text, instead of fields; may hold placeholders, which are filled in as JSON strings' insides.
    pub body: Option<String>,
    /// The body as bytes in hexadecimal, blanks allowed, instead of text.
    pub body_hex: Option<String>,
    /// Blanks appended to the body until it has this many bytes.
    pub pad_to: Option<usize>,
    /// A request example or command of the documents, by name: gives body, and for a command path, headers and content type as curl would send them.
    pub quote: Option<String>,
    /// What stands in place of a template's placeholders, after the repair and after a shell has split the words. Nothing stands for `<IP_ADDRESS>`: it is the target's.
    #[serde(default)]
    pub fill: BTreeMap<String, String>,
    /// Corrections to the quote, each a text and what replaces it wherever it stands: how a broken example is repaired. They come first.
    #[serde(default)]
    pub repair: Vec<(String, String)>,
    /// Another method than the operation's.
    pub method: Option<String>,
    /// Another path than the operation's.
    pub path: Option<String>,
    /// The path of one reading of the operation's `path` fact.
    pub path_reading: Option<String>,
    /// Names and values appended to the path as a query; may hold placeholders.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Another content type; `none` sends no such header.
    pub content_type: Option<String>,
    /// Further headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A further header with a value of this many bytes: a head too large, without writing it out.
    pub pad_header: Option<usize>,
    /// What should be answered.
    pub expect: Expect,
}

impl Step {
    /// Makes a step that asks an operation in its default form.
    pub fn new(ask: Operation, expect: Expect) -> Step {
        Step {
            ask,
            fields: None,
            body: None,
            body_hex: None,
            pad_to: None,
            quote: None,
            fill: BTreeMap::new(),
            repair: Vec::new(),
            method: None,
            path: None,
            path_reading: None,
            query: BTreeMap::new(),
            content_type: None,
            headers: BTreeMap::new(),
            pad_header: None,
            expect,
        }
    }

    /// Returns whether a request of this step to a path can change a password.
    pub fn can_change(&self, path: &str) -> bool {
        self.ask.is_change() || path.contains(Operation::SetPassword.name())
    }
}

fn both() -> Vec<Kind> {
    Kind::ALL.to_vec()
}
