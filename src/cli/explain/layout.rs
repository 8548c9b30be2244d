//! Lays gathered facts out as text of a hundred columns.

use crate::cli::explain::gather::{Group, Point, Section, Told};

/// Returns the text, ending in a newline.
pub(super) fn text(sections: &[Section]) -> String {
    let mut lines = vec![LEGEND.to_owned()];
    for section in sections {
        lines.push(String::new());
        let facts = if section.count == 1 {
            "1 fact".into()
        } else {
            format!("{} facts", section.count)
        };
        lines.push(format!("=== {} ({facts})", section.title));
        section
            .points
            .iter()
            .for_each(|point| lay_point(point, &mut lines));
    }
    lines.join("\n") + "\n"
}

fn lay_point(point: &Point, lines: &mut Vec<String>) {
    lines.push(String::new());
    let about = if point.number.is_some() {
        point.about.join("; ")
    } else {
        NOT_REGISTERED.into()
    };
    wrap(point.number.as_deref().unwrap_or("—"), ABOUT, &about, lines);
    point
        .groups
        .iter()
        .for_each(|group| lay_group(group, lines));
}

fn lay_group(group: &Group, lines: &mut Vec<String>) {
    let kinds: Vec<&str> = group.kinds.iter().map(|kind| kind.name()).collect();
    wrap(
        "",
        FACTS,
        &format!("{} [{}]", group.facts.join(", "), kinds.join(", ")),
        lines,
    );
    let widest = group
        .readings
        .iter()
        .map(|told| told.name.chars().count())
        .max()
        .unwrap_or(0);
    for (index, told) in group.readings.iter().enumerate() {
        let mark = if index == 0 { "*" } else { " " };
        let (head, column) = (format!("    {mark} {}", told.name), READING + widest + 2);
        let together = format!("{}  ({})", told.value, ground(told));
        if column + together.chars().count() <= WIDTH {
            lines.push(format!("{head:column$}{together}"));
        } else {
            wrap(&head, column, &told.value, lines);
            wrap("", column, &format!("({})", ground(told)), lines);
        }
    }
}

fn ground(told: &Told) -> String {
    match &told.because {
        Some(because) => format!("assumed, because {because}"),
        None => format!("documented at {}", told.at.join(", ")),
    }
}

/// Adds a text that starts at a column, after a head, and goes on there; a word wider than the page stands alone.
pub(super) fn wrap(head: &str, column: usize, text: &str, lines: &mut Vec<String>) {
    let mut line = format!("{head:column$}");
    let mut bare = true;
    for word in text.split(' ') {
        if !bare && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(column)));
            bare = true;
        }
        if !bare {
            line.push(' ');
        }
        line.push_str(word);
        bare = false;
    }
    lines.push(line);
}

/// The columns of a line.
pub(super) const WIDTH: usize = 100;

const LEGEND: &str = "* marks the default, which applies unless a fixture or --reading FACT=NAME names another reading.";
const NOT_REGISTERED: &str = "not in the register: what no page foresees";
const ABOUT: usize = 5;
const FACTS: usize = 2;
const READING: usize = 6;
