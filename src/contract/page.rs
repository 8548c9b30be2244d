//! A page of the documentation, read as Markdown: what it says, statement by statement.
//!
//! ```text
//! Markdown ── read ──▶ Vec<Statement> ── compare::changes(recorded, page) ──▶ Vec<Change>
//!                                     └─ lint::faults ──▶ what the page's vendor could mend
//! ```
//!
//! The pages are not ours and not in the project: a caller with copies brings them as text. The contract quotes what it rests on.

pub mod compare;
pub mod lint;
pub mod renumber;

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::contract::{Contract, Form, Operation, Place, QuoteForm};

/// One thing that a page says, free of its rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The operation in whose section it stands; none before and after the three.
    pub operation: Option<Operation>,
    /// What it is in the page.
    pub form: Form,
    /// Its words; of code: its lines as printed.
    pub text: String,
    /// Its first line, counted from 1.
    pub first: u32,
    /// Its last line.
    pub last: u32,
}

impl Statement {
    /// Returns what two statements that say the same have in common: rows, items and sentences are told apart by their words alone.
    pub fn key(&self) -> (Option<Operation>, Option<Form>, String) {
        let (form, text) = match self.form {
            Form::Command => (Some(self.form), command_key(&self.text)),
            Form::Request | Form::Response => (Some(self.form), without_blanks(&self.text)),
            _ => (None, self.text.clone()),
        };
        (self.operation, form, text)
    }

    /// Returns whether this is a heading or a label under which pages put things, and says nothing itself.
    pub fn is_frame(&self) -> bool {
        let name: String = self.text.split_whitespace().collect();
        self.form == Form::Heading && FRAMES.contains(&name.to_lowercase().as_str())
    }

    /// Returns whether it is, at least in part, on the lines of a place.
    pub(super) fn stands_on(&self, place: &Place) -> bool {
        self.first <= place.last && place.first <= self.last
    }

    /// Returns the statement in one line.
    pub fn line(&self) -> String {
        one_line(&self.text)
    }
}

/// Returns what a contract's page said when it was transcribed, by line: the recorded statements, and the quotes.
pub fn recorded(contract: &Contract) -> Vec<Statement> {
    let document = &contract.document;
    let outside = document.introduction.iter().map(|it| (None, it));
    let inside = document.says.iter();
    let inside = inside.flat_map(|(operation, said)| said.iter().map(|it| (Some(*operation), it)));
    let said = outside.chain(inside);
    let said = said.map(|(operation, (place, form, text))| (operation, *form, text, *place));
    let quotes = contract.quotes.values().map(|quote| {
        let form = match quote.form {
            QuoteForm::Command => Form::Command,
            QuoteForm::Example => Form::Request,
        };
        (Some(quote.operation), form, &quote.text, quote.at[0])
    });
    let statements = said
        .chain(quotes)
        .map(|(operation, form, text, place)| Statement {
            operation,
            form,
            text: text.clone(),
            first: place.first,
            last: place.last,
        });
    let mut statements: Vec<Statement> = statements.collect();
    statements.sort_by_key(|statement| statement.first);
    statements
}

/// Returns what a page says, in its order. Front matter, comments, rules and the title say nothing.
pub fn read(text: &str) -> Vec<Statement> {
    let text = &without_comments(text.strip_prefix('\u{feff}').unwrap_or(text));
    let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let starts = text.match_indices('\n').map(|(at, _)| at + 1);
    let mut reader = PageReader {
        starts: std::iter::once(0).chain(starts).collect(),
        ..PageReader::default()
    };
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        reader.take(event, range);
    }
    reader.statements
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns words in one spelling: single blanks, plain dashes and quotation marks, no colon at the end.
pub fn plain(text: &str) -> String {
    let words = one_line(text);
    let words = words.replace(['–', '—', '‑'], "-").replace(['’', '‘'], "'");
    words.trim_end_matches(':').replace(['“', '”'], "\"")
}

/// What has been read so far.
#[derive(Default)]
struct PageReader {
    /// Where each line starts.
    starts: Vec<usize>,
    statements: Vec<Statement>,
    operation: Option<Operation>,
    /// The tab of an operation: `Request`, `Response` or `Command`; empty before the first.
    tab: &'static str,
    /// The text of the block, and from where in the page its pieces come.
    block: String,
    pieces: Vec<(usize, usize)>,
    /// Where the bold words end that the block begins with.
    bold: Option<usize>,
    cells: Vec<String>,
    items: usize,
    /// Headings so far: the first one is the title.
    headings: usize,
}

impl PageReader {
    fn take(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.push(&text, range.start),
            Event::InlineHtml(html) | Event::Html(html) => self.push(&html, range.start),
            Event::SoftBreak | Event::HardBreak => self.push(" ", range.start),
            Event::Start(Tag::Item) => {
                self.flush();
                self.items += 1;
            }
            Event::End(TagEnd::MetadataBlock(_)) => self.clear(),
            Event::Start(Tag::Strong) if self.block.is_empty() => self.bold = Some(0),
            Event::End(TagEnd::Strong) if self.bold == Some(0) => {
                self.bold = Some(self.block.len());
            }
            Event::End(TagEnd::Item) => {
                self.flush();
                self.items -= 1;
            }
            Event::End(TagEnd::Paragraph | TagEnd::HtmlBlock) => self.flush(),
            Event::End(TagEnd::Heading(level)) => self.heading(level as usize),
            Event::End(TagEnd::TableCell) => {
                self.cells.push(plain(&self.block));
                self.block.clear();
            }
            Event::End(TagEnd::TableHead) => self.row(Form::Heading, " | "),
            Event::End(TagEnd::TableRow) if self.cells.len() == 2 => self.row(Form::Item, ": "),
            Event::End(TagEnd::TableRow) => self.row(Form::Row, " | "),
            Event::End(TagEnd::CodeBlock) => self.code(),
            _ => (),
        }
    }

    fn push(&mut self, text: &str, from: usize) {
        self.pieces.push((self.block.len(), from));
        self.block.push_str(text);
    }

    fn clear(&mut self) {
        self.block.clear();
        self.pieces.clear();
        self.bold = None;
    }

    /// Returns the line in the page of a place in the block.
    fn line(&self, at: usize) -> u32 {
        let piece = self.pieces.iter().rev().find(|(start, _)| *start <= at);
        let from = piece.map_or(0, |(start, from)| from + at - start);
        let line = self.starts.partition_point(|start| *start <= from);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    fn add(&mut self, form: Form, text: String, first: u32, last: u32) {
        if !text.is_empty() {
            let operation = self.operation;
            self.statements.push(Statement {
                operation,
                form,
                text,
                first,
                last,
            });
        }
    }

    /// Ends a paragraph or an item: a label, or sentences.
    fn flush(&mut self) {
        let (block, first) = (self.block.clone(), self.line(0));
        let bold = self.bold.filter(|end| *end > 0);
        let rest = bold.map(|end| block[end..].trim());
        match rest {
            _ if self.items > 0 => self.add(Form::Item, plain(&block), first, first),
            Some("" | ":") => self.add(Form::Heading, plain(&block), first, first),
            Some(rest) if rest.starts_with(':') => self.label(&plain(&block), first),
            _ => {
                for (start, end) in sentences(&block) {
                    let (first, last) = (self.line(start), self.line(end.saturating_sub(1)));
                    self.add(Form::Sentence, plain(&block[start..end]), first, last);
                }
            }
        }
        self.clear();
    }

    /// Adds a label with a value. A type is that of the tab it stands in.
    fn label(&mut self, text: &str, line: u32) {
        let text = match text.strip_prefix("Type:") {
            Some(value) if !self.tab.is_empty() => format!("{} type:{value}", self.tab),
            _ => text.to_owned(),
        };
        self.add(Form::Label, text, line, line);
    }

    fn heading(&mut self, level: usize) {
        let (text, line) = (plain(&self.block), self.line(0));
        self.clear();
        self.headings += 1;
        let first_word = text.split(' ').next().unwrap_or_default();
        let tab = TABS
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        match (level, tab, first_word.parse()) {
            (2, _, Ok(operation)) => (self.operation, self.tab) = (Some(operation), ""),
            (1, None, _) if self.headings == 1 => (),
            (_, Some((_, tab)), _) => self.tab = tab,
            (_, _, Err(_)) if METHODS.contains(&text.as_str()) => {
                self.add(Form::Label, format!("Method: {text}"), line, line);
            }
            (level, ..) => {
                if level == 2 {
                    (self.operation, self.tab) = (None, "");
                }
                self.add(Form::Heading, text, line, line);
            }
        }
    }

    fn row(&mut self, form: Form, between: &str) {
        let (text, line) = (self.cells.join(between), self.line(0));
        self.cells.clear();
        self.clear();
        self.add(form, text, line, line);
    }

    /// Ends a block of code. What it is, is written above it or follows from its tab.
    fn code(&mut self) {
        let block = self.block.trim_start();
        let marks = [("request:", Form::Request), ("response:", Form::Response)];
        let mark = marks.iter().find(|(mark, _)| block.starts_with(mark));
        let text = mark.map_or(block, |(mark, _)| block[mark.len()..].trim_start());
        let form = match (mark, self.tab) {
            _ if text.starts_with("curl ") => Form::Command,
            (Some((_, form)), _) => *form,
            (None, "Response") => Form::Response,
            (None, "Command") => Form::Command,
            (None, _) => Form::Request,
        };
        let first = self.line(self.block.len() - text.len());
        let text = text.trim_end().to_owned();
        let last = first + text.lines().count().saturating_sub(1) as u32;
        self.add(form, text, first, last);
        self.clear();
    }
}

/// Returns a page without its comments, but for their ends of lines.
fn without_comments(text: &str) -> String {
    let mut page = String::new();
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        let (comment, after) = comment.split_once("-->").unwrap_or((comment, ""));
        page.push_str(before);
        page.extend(comment.matches('\n'));
        rest = after;
    }
    page + rest
}

/// Returns where each sentence of a paragraph starts and ends: after a full stop comes a capital.
fn sentences(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = text.len() - text.trim_start().len();
    for (at, _) in text.match_indices(['.', '!', '?']) {
        let rest = &text[at + 1..];
        let next = rest.trim_start();
        if rest.len() > next.len() && next.starts_with(char::is_uppercase) {
            found.push((start, at + 1));
            start = text.len() - next.len();
        }
    }
    found.push((start, text.len()));
    found
}

/// Returns an example without the blanks that JSON ignores. It need not be JSON.
fn without_blanks(text: &str) -> String {
    let text = one_line(text);
    let mut is_string = false;
    let is_kept = |letter: &char| {
        is_string ^= *letter == '"';
        is_string || *letter != ' '
    };
    text.chars().filter(is_kept).collect()
}

/// Returns a command as a shell takes it. One with a body is a POST, written so or not.
fn command_key(text: &str) -> String {
    let blanks = || text.split_whitespace().map(str::to_owned).collect();
    let words = shlex::split(text).unwrap_or_else(blanks).join("\n");
    let post = if words.contains("\n-d\n") {
        "\n-X\nPOST"
    } else {
        "\0"
    };
    words.replace(post, "")
}

/// The headings of tabs.
const TABS: [(&str, &str); 3] = [
    ("request", "Request"),
    ("response", "Response"),
    ("curl command", "Command"),
];
const METHODS: [&str; 5] = ["DELETE", "GET", "PATCH", "POST", "PUT"];
/// Headings, labels and heads of tables that say nothing themselves, without blanks and capitals.
const FRAMES: [&str; 11] = [
    "api",
    "apis",
    "devicefields",
    "example",
    "message|description",
    "name|type|required/optional",
    "nextsteps",
    "requestexample",
    "requestparameters",
    "responseexample",
    "relatedcontent",
];

#[cfg(test)]
mod tests;
