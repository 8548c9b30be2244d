//! The formats that are templates. Each escapes all text that it does not mark as its own.

use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::{
    AutoEscape, Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig, value::Serde,
};
use sha2::{Digest, Sha256};

use crate::report::{Summary, model, sanitize};

/// Writes the report for people.
pub(super) fn text(summary: &Summary, color: bool) -> String {
    let text = render(
        &plain(color),
        include_str!("templates/text.jinja"),
        Serde(model::context(summary)),
    );
    text.lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// Writes the report for a page of a build server.
pub(super) fn markdown(summary: &Summary) -> String {
    let environment = environment(code, code, false);
    render(
        &environment,
        include_str!("templates/markdown.jinja"),
        Serde(model::context(summary)),
    )
}

/// Writes annotations for GitHub. What has a meaning in a command is escaped by the rules of GitHub's own toolkit.
pub(super) fn github(summary: &Summary) -> String {
    let data = |text: &str| {
        text.replace('%', "%25")
            .replace('\r', "%0D")
            .replace('\n', "%0A")
    };
    let property = move |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let environment = environment(property, data, false);
    render(
        &environment,
        include_str!("templates/github.jinja"),
        Serde(model::context(summary)),
    )
}

/// Writes JUnit XML. What XML cannot contain is escaped as in the text report.
pub(super) fn junit(summary: &Summary) -> String {
    let environment = environment(entities, entities, false);
    render(
        &environment,
        include_str!("templates/junit.jinja"),
        Serde(model::context(summary)),
    )
}

/// Writes one page for a browser.
pub(super) fn html(summary: &Summary) -> String {
    let mut context = model::context(summary);
    context["style"] = STYLE.into();
    context["style_hash"] = STANDARD.encode(Sha256::digest(STYLE)).into();
    render(
        &environment(entities, entities, false),
        include_str!("templates/html.jinja"),
        Serde(context),
    )
}

/// One case that fails, in full. The context is `case`.
fn failure(case: Value, color: bool) -> String {
    render(
        &plain(color),
        include_str!("templates/failure.jinja"),
        context! { case },
    )
}

fn plain(color: bool) -> Environment<'static> {
    environment(str::to_owned, str::to_owned, color)
}

fn render(environment: &Environment<'_>, template: &str, context: impl Into<Value>) -> String {
    environment
        .render_str(template, context)
        .unwrap_or_else(|error| panic!("the templates are tested: {error:#}"))
}

/// Returns what templates can use. Each text is escaped as one line by `line`; the filter `block` keeps its lines, escaped by `block`.
fn environment(
    line: impl Fn(&str) -> String + Send + Sync + 'static,
    block: impl Fn(&str) -> String + Send + Sync + 'static,
    color: bool,
) -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    environment.set_syntax(syntax.expect("the delimiters are the default ones"));
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom("report".into()));
    environment.set_formatter(move |out, _, value| {
        let text = match value.as_str() {
            Some(text) if !value.is_safe() => line(&sanitize::line(text)),
            _ => value.to_string(),
        };
        Ok(out.write_str(&text)?)
    });
    environment.add_filter("block", move |text: &str| {
        let end = text
            .char_indices()
            .nth(MAX_BLOCK)
            .map_or(text.len(), |(end, _)| end);
        let lines: Vec<String> = sanitize::lines(&text[..end]).collect();
        let rest = match text[end..].chars().count() {
            0 => String::new(),
            rest => format!("… ({rest} more characters)"),
        };
        Value::from_safe_string(block(lines.join("\n").trim_end()) + &rest)
    });
    environment.add_filter("html", |text: &str| {
        Value::from_safe_string(entities(&sanitize::line(text)))
    });
    environment.add_filter("fenced", |text: &str| {
        let fence = "`".repeat(longest_run(text).max(2) + 1);
        Value::from_safe_string(format!("{fence}text\n{text}{fence}"))
    });
    environment.add_filter("failure", move |case: Value| failure(case, color));
    environment.add_filter("short", sanitize::short);
    environment.add_filter("lines", |text: &str| {
        sanitize::lines(text).collect::<Vec<_>>()
    });
    environment.add_filter("amount", amount);
    environment.add_filter("pad", |text: &str, width: usize| format!("{text:<width$}"));
    environment.add_filter("first_few", first_few);
    environment.add_filter("wrapped", |items: Vec<String>, indent: usize| {
        let items: Vec<String> = items.iter().map(|item| sanitize::line(item)).collect();
        let lines = sanitize::wrapped(&items, sanitize::WIDTH - indent);
        Value::from_safe_string(lines.join(&format!("\n{:indent$}", "")))
    });
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

/// Counts in words: `1 case`, `2 cases`.
fn amount(count: usize, noun: &str) -> Value {
    let plural = if count == 1 { "" } else { "s" };
    Value::from_safe_string(format!("{count} {noun}{plural}"))
}

/// The first names of a long list: the JSON report has all.
fn first_few(mut names: Vec<String>) -> Vec<String> {
    if names.len() > MAX_NAMES {
        let more = names.len() - MAX_NAMES;
        names.truncate(MAX_NAMES);
        names.push(format!("… {more} more"));
    }
    names
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
    text.split(|character| character != '`')
        .map(str::len)
        .max()
        .unwrap_or_default()
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
