//! The reading profile as a table: what each target follows where the documents quarrel, or where it goes its own way.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::contract;
use crate::contract::Kind;
use crate::report::Followed;
use crate::report::Summary;
use crate::report::TargetSummary;
use crate::report::paint::Paint;
use crate::report::visible;

/// Draws one line per fact and one column per target; nothing where there is nothing to tell.
pub(super) fn table(summary: &Summary, paint: Paint) -> String {
    let columns: Vec<Column<'_>> = summary.targets.iter().map(Column::of).collect();
    let rows: BTreeSet<&Row<'_>> = columns.iter().flat_map(|column| column.keys()).collect();
    if rows.is_empty() {
        return String::new();
    }
    let number = rows.iter().map(|row| row.number().len()).max().unwrap_or_default();
    let fact = rows.iter().map(|row| row.fact.chars().count()).max().unwrap_or_default().max(HEADING.len().saturating_sub(number + 3));
    let widths: Vec<usize> = summary.targets.iter().zip(&columns).map(|(target, column)| column.width(target)).collect();

    let mut text = String::new();
    let heads = summary.targets.iter().map(|target| target.kind.to_string());
    let heads: Vec<String> = heads.zip(&widths).map(|(head, width)| format!("{head:<width$}")).collect();
    line(&mut text, &paint.bold(format!("{HEADING:<width$}  {}", heads.join("  "), width = number + fact + 4).trim_end()));
    for row in rows {
        let cells = columns.iter().zip(&widths).map(|(column, width)| column.cell(row, *width, paint));
        let cells: Vec<String> = cells.collect();
        line(&mut text, &format!("  {:<number$}  {:<fact$}  {}", row.number(), visible::line(row.fact), cells.join("  ")));
    }
    if columns.iter().any(Column::leaves_the_ruling) {
        line(&mut text, &paint.dim("  * not the ruling; d4iot-double explain FACT tells who says what, and where"));
    }
    text
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// A fact's place in the table: by register number, those without one last.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Row<'a> {
    unnumbered: bool,
    register: &'a str,
    fact: &'a str,
}

impl Row<'_> {
    fn number(&self) -> &str {
        if self.unnumbered { "-" } else { self.register }
    }
}

/// What one target follows.
struct Column<'a>(BTreeMap<Row<'a>, &'a Followed>);

impl<'a> Column<'a> {
    fn of(target: &'a TargetSummary) -> Column<'a> {
        let disputed = disputed(target.kind);
        let told = target.profile.iter().filter(|followed| disputed.contains(&followed.fact) || leaves_the_ruling(followed));
        Column(
            told.map(|followed| {
                let register = followed.register.as_deref().unwrap_or_default();
                (Row { unnumbered: register.is_empty(), register, fact: &followed.fact }, followed)
            })
            .collect(),
        )
    }

    fn keys(&self) -> impl Iterator<Item = &Row<'a>> {
        self.0.keys()
    }

    fn width(&self, target: &TargetSummary) -> usize {
        self.0.values().map(|followed| words(followed).chars().count()).chain([target.kind.name().len()]).max().unwrap_or_default()
    }

    fn cell(&self, row: &Row<'_>, width: usize, paint: Paint) -> String {
        match self.0.iter().find(|(other, _)| *other == row) {
            Some((_, followed)) if leaves_the_ruling(followed) => paint.yellow(&format!("{:<width$}", words(followed))),
            Some((_, followed)) => format!("{:<width$}", words(followed)),
            None => paint.dim(&format!("{:<width$}", "-")),
        }
    }

    fn leaves_the_ruling(&self) -> bool {
        self.0.values().any(|followed| leaves_the_ruling(followed))
    }
}

/// The facts of which the documents say two things or more.
fn disputed(kind: Kind) -> BTreeSet<String> {
    contract::of(kind).facts().into_iter().filter(|entry| entry.is_disputed()).map(|entry| entry.name).collect()
}

fn leaves_the_ruling(followed: &Followed) -> bool {
    !followed.ruling || !followed.other.is_empty()
}

/// Names the reading; several where the cases do not tell them apart.
fn words(followed: &Followed) -> String {
    let mut words: Vec<String> = Vec::new();
    if !followed.readings.is_empty() {
        words.push(visible::line(&followed.readings.join(" or ")));
    } else if followed.other.is_empty() {
        words.push("mixed".to_owned());
    }
    words.extend((!followed.other.is_empty()).then(|| visible::cut(&followed.other.join(", "), LONGEST)));
    let mark = if leaves_the_ruling(followed) { " *" } else { "" };
    format!("{}{mark}", words.join(", "))
}

const HEADING: &str = "readings followed";
/// How many characters are shown of answers that are no reading, so that a column stays one.
const LONGEST: usize = 40;
