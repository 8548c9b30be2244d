//! The faults of a page itself, in words for its authors: examples that are not JSON, commands no shell takes, lines that contradict
//! one another.

use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::contract::{
    Form, Operation,
    page::{Statement, compare::similarity},
};

/// A fault of a page. One fault is told once, with all lines that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The operation in whose section it is.
    pub operation: Option<Operation>,
    /// The lines.
    pub lines: Vec<u32>,
    /// What is wrong, as a sentence without its full stop.
    pub text: String,
}

/// Returns the faults of a page, by line.
pub fn faults(page: &[Statement]) -> Vec<Fault> {
    let faults = Vec::new();
    let mut linter = Linter { page, faults };
    for it in page {
        match it.form {
            Form::Command => linter.command(it),
            Form::Heading => linter.heading(it),
            Form::Item => linter.message(it),
            Form::Label => linter.path(it),
            Form::Request => linter.body(it, &it.text, "the example"),
            Form::Response => linter.response(it),
            Form::Sentence
                if it.operation.is_none() && it.first < it.last && !it.text.ends_with('.') =>
            {
                linter.add(
                    it,
                    [it.last],
                    "these lines are a list of topics, left over from a draft",
                );
            }
            Form::Row | Form::Sentence => (),
        }
    }
    linter
        .faults
        .sort_by(|left, right| left.lines.cmp(&right.lines));
    linter.faults
}

struct Linter<'a> {
    page: &'a [Statement],
    faults: Vec<Fault>,
}

impl<'a> Linter<'a> {
    fn add(
        &mut self,
        at: &Statement,
        more: impl IntoIterator<Item = u32>,
        text: impl Into<String>,
    ) {
        self.add_lines(at, [at.first].into_iter().chain(more), text.into());
    }

    fn add_lines(&mut self, at: &Statement, lines: impl Iterator<Item = u32>, text: String) {
        let operation = at.operation;
        // One fault of both commands of an operation is one fault.
        let mut known = self
            .faults
            .iter()
            .position(|it| it.operation == operation && it.text == text);
        let index = *known.get_or_insert(self.faults.len());
        if index == self.faults.len() {
            let lines = Vec::new();
            self.faults.push(Fault {
                operation,
                lines,
                text,
            });
        }
        let known = &mut self.faults[index].lines;
        known.extend(lines);
        known.sort_unstable();
        known.dedup();
    }

    /// Returns what stands beside a statement, in the section of its operation.
    fn beside(&self, at: &Statement, form: Form) -> impl Iterator<Item = &'a Statement> + use<'a> {
        let (page, operation) = (self.page, at.operation);
        page.iter()
            .filter(move |it| it.operation == operation && it.form == form)
    }

    /// Finds commands that ask for another path than the label names.
    fn path(&mut self, label: &Statement) {
        let Some(uri) = label.text.strip_prefix("URI: ") else {
            return;
        };
        for command in self.beside(label, Form::Command) {
            let address = command
                .text
                .split_once("://")
                .and_then(|(_, address)| address.split_once('/'));
            let path = address.map_or(uri.to_owned(), |(_, path)| {
                format!("/{}", path.trim_end_matches('\''))
            });
            if path != uri {
                let text = format!("the URI is given as {uri}, and the commands ask for {path}");
                self.add(label, [command.first], text);
            }
        }
    }

    fn heading(&mut self, heading: &Statement) {
        let is_sent = |it: &&Statement| it.text.contains(" -d ");
        match (
            heading.text.as_str(),
            self.beside(heading, Form::Command).find(is_sent),
        ) {
            ("Query parameters", Some(command)) => {
                let text = "the fields are headed \"Query parameters\", and the command sends them in a body";
                self.add(heading, [command.first], text);
            }
            ("Device fields", _) => {
                self.add(
                    heading,
                    [],
                    "the fields of the request are headed \"Device fields\"",
                );
            }
            _ => (),
        }
    }

    /// Finds a message that another operation words otherwise.
    fn message(&mut self, item: &Statement) {
        let Some((_, words)) = item.text.split_once(": ") else {
            return;
        };
        let later = self
            .page
            .iter()
            .filter(|it| it.first > item.first && it.operation != item.operation);
        let later = later.filter(|it| it.form == Form::Item && it.operation.is_some());
        let mut later = later.filter_map(|it| Some((it, it.text.split_once(": ")?.1)));
        let other = later.find(|(_, other)| *other != words && similarity(other, words) > SIMILAR);
        if let Some((other, others)) = other {
            let text = format!("one message is worded in two ways: \"{words}\" and \"{others}\"");
            self.add(item, [other.first], text);
        }
    }

    fn command(&mut self, command: &Statement) {
        let Some(words) = shlex::split(&command.text) else {
            return self.add(
                command,
                [],
                "no shell takes this command: a quotation mark is left open",
            );
        };
        let after = |option: &'static str| {
            let pairs = words.windows(2).filter(move |pair| pair[0] == option);
            pairs.map(|pair| pair[1].as_str())
        };
        let has = |name: &str| after("-H").any(|header| header.to_lowercase().starts_with(name));
        for data in after("-d") {
            self.body(command, data, "the body of the command");
            self.placeholders(command, data);
        }
        if !has("content-type:") {
            let text = "the command names no content type, so that curl sends application/x-www-form-urlencoded";
            self.add(command, [], text);
        }
        let is_free = |it: &&Statement| it.text.contains("don't need") && it.text.contains("token");
        let free = self.beside(command, Form::Sentence).find(is_free);
        if let (true, Some(sentence)) = (has("authorization:"), free) {
            self.add(
                command,
                [sentence.first],
                "the command sends a token, and none is needed",
            );
        }
    }

    /// Finds placeholders that look otherwise than `<USER_NAME>`.
    fn placeholders(&mut self, command: &Statement, data: &str) {
        let is_letter = |letter: char| letter.is_ascii_uppercase() || " _".contains(letter);
        for name in data
            .split(['"', '<', '>'])
            .filter(|it| it.len() > 3 && it.chars().all(is_letter))
        {
            if !data.contains(&format!("<{name}>")) {
                let text = format!("the placeholder {name} has no angle brackets, as others have");
                self.add(command, [], text);
            } else if name.contains(' ') {
                let text = format!(
                    "the placeholder <{name}> has a blank, where others have an underscore"
                );
                self.add(command, [], text);
            }
        }
    }

    /// Finds what keeps a request's body from being JSON, else where it differs from the table of fields.
    fn body(&mut self, at: &Statement, text: &str, what: &str) {
        let lines = (at.first..).zip(text.lines());
        let escapes = lines
            .filter(|(_, line)| line.contains(NO_ESCAPE))
            .map(|(line, _)| line);
        if text.contains(NO_ESCAPE) {
            let text = format!("{what} is not JSON: `{NO_ESCAPE}` is not an escape there");
            self.add_lines(at, escapes, text);
        }
        let given: Map<String, Json> = match serde_json::from_str(&text.replace(NO_ESCAPE, "!")) {
            Ok(given) => given,
            Err(error) => {
                let why = match text.contains(": <") {
                    true => "its placeholders have no quotation marks",
                    false => "a quotation mark or a comma is missing",
                };
                let line = at.first + error.line().saturating_sub(1) as u32;
                return self.add_lines(
                    at,
                    [line].into_iter(),
                    format!("{what} is not JSON: {why}"),
                );
            }
        };
        let rows = self
            .beside(at, Form::Row)
            .filter_map(|row| Some((row.first, row.text.split_once(" | ")?.0)));
        let rows: Vec<(u32, &str)> = rows.collect();
        let mut missing: Vec<&str> = rows
            .iter()
            .map(|row| row.1)
            .filter(|name| !given.contains_key(*name))
            .collect();
        missing.dedup();
        let is_other = |name: &&str| !rows.iter().any(|row| row.1 == *name);
        let other: Vec<&str> = given.keys().map(String::as_str).filter(is_other).collect();
        let text = match (missing.join(", "), other.join(", ")) {
            _ if rows.is_empty() => return,
            (missing, other) if missing.is_empty() && other.is_empty() => return,
            (missing, other) if other.is_empty() => {
                format!("{what} lacks {missing}, which the table requires")
            }
            (missing, other) if missing.is_empty() => {
                format!("{what} has {other}, which the table does not list")
            }
            (missing, other) => {
                format!("{what} has {other} instead of {missing}, which the table requires")
            }
        };
        self.add(at, rows.first().map(|row| row.0), text);
    }

    /// Finds an example of an answer that words a message otherwise than the list of messages, or one message in two ways.
    fn response(&mut self, example: &Statement) {
        let mut texts = Vec::new();
        match serde_json::from_str(&example.text) {
            Ok(json) => strings(&json, &mut texts),
            Err(_) => return self.add(example, [], "the example is not JSON"),
        }
        let line = |text: &str| {
            let mut lines = (example.first..).zip(example.text.lines());
            lines
                .find(|(_, line)| line.contains(text))
                .map(|(line, _)| line)
        };
        let Some(shown) = texts.first() else { return };
        if let Some(other) = texts.iter().find(|text| *text != shown) {
            let text = format!("the messages of one example differ: \"{shown}\" and \"{other}\"");
            self.add_lines(example, line(shown).into_iter().chain(line(other)), text);
        }
        let items = self.beside(example, Form::Item);
        let items = items.filter_map(|item| Some((item.first, item.text.split_once(": ")?.1)));
        let items: Vec<(f32, u32, &str)> = items
            .map(|(line, words)| (similarity(words, shown), line, words))
            .collect();
        let nearest = items
            .iter()
            .max_by(|left, right| left.0.total_cmp(&right.0));
        if let Some((_, item, words)) = nearest.filter(|it| it.2 != shown) {
            let text = format!("the list of messages has \"{words}\", and the example \"{shown}\"");
            self.add_lines(example, line(shown).into_iter().chain([*item]), text);
        }
    }
}

fn strings(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::String(text) => found.push(text.clone()),
        Json::Object(members) => members.values().for_each(|member| strings(member, found)),
        _ => (),
    }
}

/// What a shell's history expansion taught the pages' authors, and no JSON reader takes.
const NO_ESCAPE: &str = r"\!";
/// How similar two messages are, at least, that are meant to be one.
const SIMILAR: f32 = 0.75;
