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
            Form::Row | Form::Sentence => linter.left_over(it),
        }
    }
    let mut faults = linter.faults;
    faults.sort_by(|left, right| left.lines.cmp(&right.lines));
    faults
}

struct Linter<'a> {
    page: &'a [Statement],
    faults: Vec<Fault>,
}

impl<'a> Linter<'a> {
    /// Adds a fault of a statement on these lines. That of both commands of an operation is one.
    fn add(&mut self, at: &Statement, lines: &[u32], text: impl Into<String>) {
        let (operation, text) = (at.operation, text.into());
        let mut faults = self.faults.iter_mut();
        let known = faults.find(|it| it.operation == operation && it.text == text);
        let mut lines = [lines, known.as_ref().map_or(&[], |it| &it.lines[..])].concat();
        lines.sort_unstable();
        lines.dedup();
        match known {
            Some(known) => known.lines = lines,
            None => self.faults.push(Fault {
                operation,
                lines,
                text,
            }),
        }
    }

    /// Returns what stands beside a statement, in the section of its operation.
    fn beside(&self, at: &Statement, form: Form) -> impl Iterator<Item = &'a Statement> + use<'a> {
        let (page, operation) = (self.page, at.operation);
        let section = page.iter().filter(move |it| it.operation == operation);
        section.filter(move |it| it.form == form)
    }

    fn left_over(&mut self, it: &Statement) {
        if it.operation.is_none() && it.first < it.last && !it.text.ends_with('.') {
            let text = "these lines are a list of topics, left over from a draft";
            self.add(it, &[it.first, it.last], text);
        }
    }

    /// Finds commands that ask for another path than the label names.
    fn path(&mut self, label: &Statement) {
        let Some(uri) = label.text.strip_prefix("URI: ") else {
            return;
        };
        for command in self.beside(label, Form::Command) {
            let address = command.text.split_once("://").unwrap_or_default().1;
            let path = address
                .find('/')
                .map(|at| address[at..].trim_end_matches('\''));
            if let Some(path) = path.filter(|path| *path != uri) {
                let text = format!("the URI is given as {uri}, and the commands ask for {path}");
                self.add(label, &[label.first, command.first], text);
            }
        }
    }

    fn heading(&mut self, heading: &Statement) {
        let mut commands = self.beside(heading, Form::Command);
        let sent = commands
            .find(|it| it.text.contains(" -d "))
            .map(|it| it.first);
        match (heading.text.as_str(), sent) {
            ("Query parameters", Some(command)) => {
                let text =
                    "the fields are headed \"Query parameters\", and the command sends a body";
                self.add(heading, &[heading.first, command], text);
            }
            ("Device fields", _) => {
                let text = "the fields of the request are headed \"Device fields\"";
                self.add(heading, &[heading.first], text);
            }
            _ => (),
        }
    }

    /// Finds a message that another operation words otherwise.
    fn message(&mut self, item: &Statement) {
        let words = item.text.split_once(": ").unwrap_or_default().1;
        let later = self.page.iter().filter(|it| it.first > item.first);
        let later = later.filter(|it| it.form == Form::Item && it.operation != item.operation);
        for other in later.filter(|it| it.operation.is_some()) {
            let others = other.text.split_once(": ").unwrap_or_default().1;
            if words != others && similarity(words, others) > SIMILAR {
                let text = format!("one message is worded in two ways: \"{words}\", \"{others}\"");
                self.add(item, &[item.first, other.first], text);
            }
        }
    }

    fn command(&mut self, command: &Statement) {
        let line = command.first;
        let Some(words) = shlex::split(&command.text) else {
            let text = "no shell takes this command: a quotation mark is left open";
            return self.add(command, &[line], text);
        };
        let pairs = || words.iter().zip(words.iter().skip(1));
        for (_, data) in pairs().filter(|(option, _)| *option == "-d") {
            self.body(command, data, "the body of the command");
            self.placeholders(command, data);
        }
        let headers = pairs().filter(|(option, _)| *option == "-H");
        let headers: String = headers
            .map(|(_, header)| header.to_lowercase() + "\n")
            .collect();
        if !headers.contains("content-type:") {
            let text = "the command names no content type, so curl sends that of a form";
            self.add(command, &[line], text);
        }
        let mut sentences = self.beside(command, Form::Sentence);
        let free = sentences.find(|it| it.text.contains("don't need") && it.text.contains("token"));
        if let Some(free) = free.filter(|_| headers.contains("authorization:")) {
            let text = "the command sends a token, and none is needed";
            self.add(command, &[free.first, line], text);
        }
    }

    /// Finds placeholders that look otherwise than `<USER_NAME>`.
    fn placeholders(&mut self, command: &Statement, data: &str) {
        let is_letter = |letter: char| letter.is_ascii_uppercase() || " _".contains(letter);
        let pieces = data.split(['"', '<', '>']);
        for name in pieces.filter(|it| it.len() > 3 && it.chars().all(is_letter)) {
            let fault = match data.contains(&format!("<{name}>")) {
                true if name.contains(' ') => "a blank where others have an underscore",
                true => continue,
                false => "no angle brackets, as others have",
            };
            let text = format!("the placeholder {name} has {fault}");
            self.add(command, &[command.first], text);
        }
    }

    /// Finds what keeps a request's body from being JSON, else where it differs from the table of fields.
    fn body(&mut self, at: &Statement, text: &str, what: &str) {
        for (line, _) in (at.first..)
            .zip(text.lines())
            .filter(|it| it.1.contains(NO_ESCAPE))
        {
            let text = format!("{what} is not JSON: `{NO_ESCAPE}` is not an escape there");
            self.add(at, &[line], text);
        }
        let given: Map<String, Json> = match serde_json::from_str(&text.replace(NO_ESCAPE, "!")) {
            Ok(given) => given,
            Err(error) => {
                let why = match text.contains(": <") {
                    true => "its placeholders have no quotation marks",
                    false => "a quotation mark or a comma is missing",
                };
                let line = at.first + error.line().saturating_sub(1) as u32;
                return self.add(at, &[line], format!("{what} is not JSON: {why}"));
            }
        };
        let rows = self.beside(at, Form::Row);
        let rows = rows.filter_map(|row| Some((row.text.split_once(" | ")?.0, row.first)));
        let rows: Map<String, Json> = rows
            .map(|(name, line)| (name.into(), line.into()))
            .collect();
        let Some(table) = rows.values().filter_map(Json::as_u64).min() else {
            return;
        };
        let without = |names: &Map<String, Json>, other: &Map<String, Json>| {
            let names = names.keys().filter(|name| !other.contains_key(*name));
            names.cloned().collect::<Vec<_>>().join(", ")
        };
        let text = match (without(&given, &rows), without(&rows, &given)) {
            (other, missing) if other.is_empty() && missing.is_empty() => return,
            (other, missing) if other.is_empty() => format!("{what} lacks {missing} of the table"),
            (other, missing) if missing.is_empty() => format!("{what} has {other}, the table not"),
            (other, missing) => format!("{what} has {other} instead of the table's {missing}"),
        };
        self.add(at, &[at.first, table as u32], text);
    }

    /// Finds an example of an answer that words a message otherwise than the list of messages, or one message in two ways.
    fn response(&mut self, example: &Statement) {
        let mut texts = Vec::new();
        match serde_json::from_str(&example.text) {
            Ok(json) => strings(&json, &mut texts),
            Err(_) => self.add(example, &[example.first], "the example is not JSON"),
        }
        let line = |text: &str| {
            let mut lines = (example.first..).zip(example.text.lines());
            lines
                .find(|it| it.1.contains(text))
                .map_or(example.first, |it| it.0)
        };
        let Some(shown) = texts.first() else { return };
        if let Some(other) = texts.iter().find(|text| *text != shown) {
            let text = format!("the messages of one example differ: \"{shown}\", \"{other}\"");
            self.add(example, &[line(shown), line(other)], text);
        }
        let items = self.beside(example, Form::Item);
        let items = items.filter_map(|item| Some((item.text.split_once(": ")?.1, item.first)));
        let items = items.map(|(words, line)| (similarity(words, shown), words, line));
        let nearest = items.max_by(|left, right| left.0.total_cmp(&right.0));
        if let Some((_, words, item)) = nearest.filter(|it| it.1 != shown) {
            let text = format!("the list of messages has \"{words}\", the example \"{shown}\"");
            self.add(example, &[item, line(shown)], text);
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
