//! The reading profile as a table: what each target follows where the documents quarrel, or where it goes its own way.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    contract,
    contract::Kind,
    report::{Followed, Summary, TargetSummary, sanitize, style::Style},
};

/// One fact of the table.
pub(super) struct ReadingRow {
    /// Its register number, or `-`.
    pub(super) number: String,
    /// Its full name.
    pub(super) fact: String,
    /// What each target follows, in the order of the targets; `-` where it was not seen.
    pub(super) cells: Vec<String>,
}

/// Returns a row for each fact that the documents quarrel over, or in which a target goes its own way.
pub(super) fn rows(summary: &Summary) -> Vec<ReadingRow> {
    let columns: Vec<Column<'_>> = summary.targets.iter().map(Column::of).collect();
    let rows: BTreeSet<&Row<'_>> = columns.iter().flat_map(|column| column.keys()).collect();
    let told = |row: &Row<'_>| ReadingRow {
        number: row.number().to_owned(),
        fact: row.fact.to_owned(),
        cells: columns
            .iter()
            .map(|column| column.find(row).map_or_else(|| "-".to_owned(), words))
            .collect(),
    };
    rows.into_iter().map(told).collect()
}

/// Draws one line per fact and one column per target; nothing where there is nothing to tell.
pub(super) fn table(summary: &Summary, style: Style) -> String {
    let rows = rows(summary);
    if rows.is_empty() {
        return String::new();
    }
    let longest = |texts: &mut dyn Iterator<Item = &str>| {
        texts
            .map(|text| text.chars().count())
            .max()
            .unwrap_or_default()
    };
    let number = longest(&mut rows.iter().map(|row| row.number.as_str()));
    let fact = longest(&mut rows.iter().map(|row| row.fact.as_str()))
        .max(HEADING.len().saturating_sub(number + 3));
    let kinds = summary
        .targets
        .iter()
        .map(|target| target.kind.name())
        .enumerate();
    let widths = kinds.map(|(index, kind)| {
        longest(
            &mut rows
                .iter()
                .map(|row| row.cells[index].as_str())
                .chain([kind]),
        )
    });
    let widths: Vec<usize> = widths.collect();

    let mut text = String::new();
    let heads = summary.targets.iter().map(|target| target.kind.to_string());
    let heads: Vec<String> = heads
        .zip(&widths)
        .map(|(head, width)| format!("{head:<width$}"))
        .collect();
    line(
        &mut text,
        &style.bold(
            format!(
                "{HEADING:<width$}  {}",
                heads.join("  "),
                width = number + fact + 4
            )
            .trim_end(),
        ),
    );
    for row in &rows {
        let cells = row
            .cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| painted(cell, *width, style));
        let cells: Vec<String> = cells.collect();
        line(
            &mut text,
            &format!(
                "  {:<number$}  {:<fact$}  {}",
                row.number,
                sanitize::line(&row.fact),
                cells.join("  ")
            ),
        );
    }
    if rows
        .iter()
        .any(|row| row.cells.iter().any(|cell| cell.ends_with(MARK)))
    {
        line(
            &mut text,
            &style.dim(
                "  * not the default; d4iot-double explain FACT tells who says what, and where",
            ),
        );
    }
    text
}

fn painted(cell: &str, width: usize, style: Style) -> String {
    let padded = format!("{cell:<width$}");
    match cell {
        "-" => style.dim(&padded),
        cell if cell.ends_with(MARK) => style.yellow(&padded),
        _ => padded,
    }
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
        let told = target
            .profile
            .iter()
            .filter(|followed| disputed.contains(&followed.fact) || is_not_default(followed));
        Column(
            told.map(|followed| {
                let register = followed.register.as_deref().unwrap_or_default();
                (
                    Row {
                        unnumbered: register.is_empty(),
                        register,
                        fact: &followed.fact,
                    },
                    followed,
                )
            })
            .collect(),
        )
    }

    fn keys(&self) -> impl Iterator<Item = &Row<'a>> {
        self.0.keys()
    }

    fn find(&self, row: &Row<'_>) -> Option<&'a Followed> {
        self.0.get(row).copied()
    }
}

/// The facts of which the documents say two things or more.
fn disputed(kind: Kind) -> BTreeSet<String> {
    contract::of(kind)
        .facts()
        .into_iter()
        .filter(|entry| entry.is_disputed())
        .map(|entry| entry.name)
        .collect()
}

fn is_not_default(followed: &Followed) -> bool {
    !followed.is_default || !followed.other.is_empty()
}

/// Names the reading; several where the cases do not tell them apart.
fn words(followed: &Followed) -> String {
    let mut words: Vec<String> = Vec::new();
    if !followed.readings.is_empty() {
        words.push(sanitize::line(&followed.readings.join(" or ")));
    } else if followed.other.is_empty() {
        words.push("mixed".to_owned());
    }
    words.extend(
        (!followed.other.is_empty()).then(|| sanitize::cut(&followed.other.join(", "), LONGEST)),
    );
    let mark = if is_not_default(followed) { MARK } else { "" };
    format!("{}{mark}", words.join(", "))
}

/// What stands behind a reading that is not the default.
pub(super) const MARK: &str = " *";
const HEADING: &str = "readings followed";
/// How many characters are shown of answers that are no reading, so that a column stays one.
const LONGEST: usize = 40;
