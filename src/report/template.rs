//! The formats that are templates. Each escapes all text that it does not mark as its own.

use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::{
    AutoEscape, Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig, value::Serde,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::report::{
    Format, ReportStyle, Summary, amount, json, model, model::CaseFilter, sanitize,
};

/// Escapes text, so that a format does not read anything in it.
type Escape = fn(&str) -> String;

/// Writes a run. Only text has colour.
pub(super) fn write(format: Format, summary: &Summary, style: ReportStyle) -> String {
    let shows = match format {
        Format::Json => return json::pretty(summary),
        Format::Html if summary.fleet.is_some() => CaseFilter::Failed,
        Format::Html | Format::Junit => CaseFilter::All,
        Format::Text if style.every_case => CaseFilter::Failed,
        _ => CaseFilter::Examples,
    };
    let context = model::context(summary, shows, style.every_case);
    write_with(RUN, format, context, style.color).expect("the other formats are templates")
}

/// The templates of something, by format.
pub(crate) type Templates = &'static [(Format, &'static str)];

const RUN: Templates = &[
    (Format::Github, include_str!("templates/github.jinja")),
    (Format::Html, include_str!("templates/html.jinja")),
    (Format::Junit, include_str!("templates/junit.jinja")),
    (Format::Markdown, include_str!("templates/markdown.jinja")),
    (Format::Profile, include_str!("templates/profile.jinja")),
    (Format::Text, include_str!("templates/text.jinja")),
];

/// Writes something by its template; none for a format that it has not.
pub(crate) fn write_with(
    templates: Templates,
    format: Format,
    context: impl Serialize,
    color: bool,
) -> Option<String> {
    let (_, template) = templates.iter().find(|(known, _)| *known == format)?;
    let (line, block): (Escape, Escape) = match format {
        Format::Github => (property, data),
        Format::Html | Format::Junit => (entities, entities),
        Format::Markdown => (code, code),
        Format::Profile => (scalar, scalar),
        Format::Json | Format::Text => (as_is, as_is),
    };
    let is_text = format == Format::Text;
    let environment = environment(line, block, color && is_text);
    let text = render(template, Serde(context), &environment);
    if !is_text {
        return Some(text);
    }
    // Text has no blanks at the ends of lines.
    let lines = text.lines().map(|line| line.trim_end().to_owned() + "\n");
    Some(lines.collect())
}

/// One case that fails, in full, as text.
fn failure(case: Value, color: bool) -> String {
    let template = include_str!("templates/failure.jinja");
    let environment = environment(as_is, as_is, color);
    render(template, context! { case }, &environment)
}

/// Fills a template with the program's own words, which need no escapes. `wrap` in it breaks lines.
#[cfg(feature = "cli")]
pub(crate) fn plain(template: &str, context: impl Serialize) -> String {
    let mut environment = plain_environment();
    environment.add_function("wrap", |head: &str, column: usize, text: &str| {
        let before = head.chars().count().max(column);
        let text = sanitize::wrapped(text.split(' '), before, column);
        format!("{head:column$}{text}").replace('\u{a0}', " ")
    });
    render(template, Serde(context), &environment)
}

fn render(template: &str, context: impl Into<Value>, environment: &Environment<'_>) -> String {
    let rendered = environment.render_str(template, context);
    rendered.unwrap_or_else(|error| panic!("the templates are tested: {error:#}"))
}

/// Returns what templates can use. Each text is escaped as one line by `line`; the filter `block` keeps its lines, escaped by `block`.
fn environment(line: Escape, block: Escape, color: bool) -> Environment<'static> {
    let mut environment = plain_environment();
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("report".into()));
    environment.set_formatter(move |out, _, value| {
        let text = match value.as_str() {
            Some(text) if !value.is_safe() => line(&sanitize::line(text)),
            _ => value.to_string(),
        };
        Ok(out.write_str(&text)?)
    });
    environment.add_global("style", STYLE);
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    environment.add_global("style_hash", Value::from_safe_string(hash));
    let shown = move |text: &str| {
        let lines: Vec<String> = sanitize::lines(text).collect();
        block(lines.join("\n").trim_end())
    };
    environment.add_filter("block", move |text: &str| {
        let (start, rest) = split(text, MAX_BLOCK);
        Value::from_safe_string(shown(start) + &more(rest))
    });
    environment.add_filter("end", move |text: &str| {
        let (before, end) = split(text, text.chars().count().saturating_sub(MAX_BLOCK));
        let feed = if before.is_empty() { "" } else { "\n" };
        Value::from_safe_string(more(before) + feed + &shown(end))
    });
    environment.add_filter("html", |text: &str| {
        Value::from_safe_string(entities(&sanitize::line(text)))
    });
    environment.add_filter("fenced", |text: &str| {
        let fence = "`".repeat(longest_run(text).max(2) + 1);
        let text = text.trim_end_matches('\n');
        Value::from_safe_string(format!("{fence}text\n{text}\n{fence}"))
    });
    environment.add_filter("exact", |text: &str| Value::from_safe_string(exact(text)));
    environment.add_filter("failure", move |case: Value| failure(case, color));
    environment.add_filter("short", sanitize::short);
    environment.add_filter("lines", |text: &str| {
        sanitize::lines(text).collect::<Vec<_>>()
    });
    environment.add_filter("first_few", first_few);
    environment.add_filter("one_of", one_of);
    environment.add_filter("wrapped", |items: Vec<String>, indent: usize| {
        let items = items.iter().map(|item| sanitize::line(item) + ",");
        let mut items: Vec<String> = items.collect();
        items.last_mut().and_then(String::pop);
        let items = items.iter().map(String::as_str);
        Value::from_safe_string(sanitize::wrapped(items, indent, indent))
    });
    add_colors(&mut environment, color);
    environment
}

/// Splits a text after so many characters.
fn split(text: &str, count: usize) -> (&str, &str) {
    let place = text.char_indices().nth(count);
    text.split_at(place.map_or(text.len(), |(place, _)| place))
}

/// Says how much is left out.
fn more(text: &str) -> String {
    match text.chars().count() {
        0 => String::new(),
        more => format!("… ({more} more characters)"),
    }
}

/// Adds the filters that colour a text, each as one line.
fn add_colors(environment: &mut Environment<'_>, color: bool) {
    let paint = move |code: &str, text: &str| {
        let text = sanitize::line(text);
        Value::from_safe_string(match color && !code.is_empty() {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text,
        })
    };
    for (name, code) in [
        ("bold", "1"),
        ("dim", "2"),
        ("red", "31"),
        ("green", "32"),
        ("yellow", "33"),
        ("cyan", "36"),
    ] {
        environment.add_filter(name, move |text: &str| paint(code, text));
    }
    environment.add_filter("label", move |label: &str| {
        paint("2", &format!("  {label:<9}"))
    });
    environment.add_filter("verdict", move |text: &str, name: &str| {
        paint(color_of(name), text)
    });
}

/// An environment that writes values as they are, with what every template needs.
fn plain_environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    environment.set_syntax(syntax.expect("the delimiters are the default ones"));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_filter("amount", |count: usize, noun: &str| {
        Value::from_safe_string(amount(count, noun))
    });
    environment.add_filter("pad", |text: &str, width: usize| format!("{text:<width$}"));
    environment
}

fn color_of(verdict: &str) -> &'static str {
    match verdict {
        "deviation" | "unstable" | "changed" | "bad" => "31",
        "documented" | "same" | "good" => "32",
        "variant" | "nothing" => "33",
        "new" => "36",
        "not-judged" => "2",
        _ => "",
    }
}

/// The first names of a long list: the JSON report has all.
fn first_few(mut names: Vec<String>) -> Vec<String> {
    let more = names.split_off(names.len().min(MAX_NAMES)).len();
    names.extend((more > 0).then(|| format!("… {more} more")));
    names
}

/// The first of some cases, and how many more there are.
fn one_of(cases: Vec<String>) -> String {
    match cases.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, more @ ..] => format!("{one} and {} more", more.len()),
    }
}

/// Escapes the message of a command of GitHub, by the rules of its own toolkit.
fn data(text: &str) -> String {
    let text = text.replace('%', "%25").replace('\r', "%0D");
    text.replace('\n', "%0A")
}

/// Escapes a property of a command of GitHub.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Returns a scalar of YAML: plain where YAML takes it for a string, else quoted. JSON's escapes are YAML's.
fn scalar(text: &str) -> String {
    let is_plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
    let is_word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text);
    let is_name = text.starts_with(|first: char| first.is_ascii_lowercase());
    if is_name && !is_word && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

/// Returns a scalar of YAML that keeps every character: what acts on a screen is an escape.
fn exact(text: &str) -> String {
    let escaped = |character| match sanitize::acts(character) {
        true => format!("\\U{:08x}", u32::from(character)),
        false => character.to_string(),
    };
    scalar(text).chars().map(escaped).collect()
}

/// Returns text as code of Markdown, between more backticks than it has in a row. In a table a bar ends a cell, even inside of code.
fn code(text: &str) -> String {
    let text = sanitize::short(text).replace('|', "\\u{7c}");
    let ticks = "`".repeat(longest_run(&text) + 1);
    let needs_blank = text.starts_with('`') || text.ends_with('`') || text.is_empty();
    let blank = if needs_blank { " " } else { "" };
    format!("{ticks}{blank}{text}{blank}{ticks}")
}

fn longest_run(text: &str) -> usize {
    let runs = text.split(|character| character != '`');
    runs.map(str::len).max().unwrap_or_default()
}

/// Escapes nothing.
fn as_is(text: &str) -> String {
    text.to_owned()
}

/// Escapes what HTML or XML would read.
pub(super) fn entities(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// The style sheet, as it is in the page: its hash is in the policy.
pub(super) const STYLE: &str = include_str!("templates/style.css");
/// How many characters of one text a page shows.
const MAX_BLOCK: usize = 10_000;
/// How many names a list shows.
const MAX_NAMES: usize = 12;
