//! Pages to compare: made of what the contract quotes, or the true ones where they are kept; and the command that compares them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use d4iot_double::{
    contract,
    contract::{Form, Kind, Operation, page, page::Statement},
};

/// Returns the pages of a kind: one that is made of what the contract quotes, and the true one, where it is kept.
pub(crate) fn pages(kind: Kind) -> Vec<String> {
    let made = render(&page::recorded(contract::of(kind)));
    let kept =
        shared().map(|folder| fs::read_to_string(folder.join(format!("{kind}.md"))).unwrap());
    [made].into_iter().chain(kept).collect()
}

#[expect(clippy::print_stderr, reason = "who skips says so")]
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/documents");
    if !folder.join("editions").exists() {
        eprintln!("skipped: no copies of the pages in {}", folder.display());
        return None;
    }
    Some(folder)
}

/// Writes statements as a page in the manner of the true ones.
pub(crate) fn render(statements: &[Statement]) -> String {
    let mut page = String::from("---\ntitle: Doors\n---\n\n# Title\n");
    let outside = |it: &&Statement| it.operation.is_none();
    for statement in statements.iter().filter(outside) {
        page.push_str(&format!("\n{}\n", statement.text));
    }
    for operation in Operation::ALL {
        page.push_str(&format!("\n## {operation} (Do it)\n"));
        let mut in_table = false;
        for it in statements
            .iter()
            .filter(|it| it.operation == Some(*operation))
        {
            let label = it.text.split_once(": ").unwrap_or_default();
            let text = match (it.form, label) {
                (Form::Label, (label, value)) => match label.strip_suffix(" type") {
                    Some(tab) => format!(
                        "# [{}](#tab/x)\n**Type**: {value}",
                        tab.replace("Command", "cURL command")
                    ),
                    None => format!("**{label}**: `{value}`"),
                },
                (Form::Item, (label, text)) => format!("- **{}**: {text}", label.replace('-', "–")),
                (Form::Heading, _) => format!("#### {}", it.text),
                (Form::Row, _) => {
                    let head = "#### Request parameters\n\n| **Name** | **Type** | **Required / Optional** |\n|--|--|--|\n";
                    format!(
                        "{}| **{} |",
                        if in_table { "" } else { head },
                        it.text.replacen(" |", "** |", 1)
                    )
                }
                (Form::Request | Form::Response, _) => {
                    format!("```rest\n{}:\n\n{}\n```", it.form, it.text)
                }
                (Form::Command, _) => format!("```rest\n{}\n```", it.text),
                _ => it.text.clone(),
            };
            if !(in_table && it.form == Form::Row) {
                page.push('\n');
            }
            in_table = it.form == Form::Row;
            page.push_str(&format!("{text}\n"));
        }
    }
    page + "\n## Next steps\n"
}

pub(crate) fn without_line(page: &str, words: &str) -> String {
    let lines = page.lines().filter(|line| !line.contains(words));
    lines.map(|line| format!("{line}\n")).collect()
}

pub(crate) fn after_line(page: &str, words: &str, new: &str) -> String {
    let lines = page.lines().map(|line| {
        if line.contains(words) {
            format!("{line}\n{new}\n")
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

/// Runs the command with a kind's page at standard input: its exit code, its output and its messages.
pub(crate) fn documents(kind: Kind, page: &str, more: &[&str]) -> (i32, String, String) {
    let kind = format!("--{kind}");
    let arguments = [kind.as_str(), "-"].into_iter().chain(more.iter().copied());
    let arguments: Vec<&Path> = arguments.map(Path::new).collect();
    run(&arguments, page)
}

pub(crate) fn run(arguments: &[&Path], input: &str) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
    command
        .arg("documents")
        .args(arguments)
        .env_remove("GITHUB_STEP_SUMMARY");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that refuses its arguments reads nothing.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

pub(crate) fn without_comment(page: &str) -> String {
    match (page.find("<!--"), page.find("-->")) {
        (Some(start), Some(end)) => format!("{}{}", &page[..start], &page[end + 3..]),
        _ => page.to_owned(),
    }
}
