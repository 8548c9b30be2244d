//! The table of a report: a row for each failure mode, a column for each call of the client.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{ScenarioResult, SweepReport, Task, Verdict};

/// The scenarios of a task, or some columns of them.
#[derive(Serialize)]
pub(super) struct Matrix {
    title: String,
    /// How wide the first column is, in characters.
    width: usize,
    /// Each with its width in characters.
    columns: Vec<(String, usize)>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    cells: Vec<Option<Cell>>,
}

#[derive(Serialize)]
struct Cell {
    /// The name of its scenario.
    scenario: String,
    verdict: Verdict,
    failed: bool,
    known: bool,
    /// As text has it: failures in capitals, `*` where there is a mark.
    text: String,
}

/// Returns the tables of a report: for each task its failure modes, some columns at a time, and its readings.
pub(super) fn matrices(report: &SweepReport) -> Vec<Matrix> {
    let mut matrices = Vec::new();
    for (task, calls) in &report.calls {
        let numbered: Vec<_> = (1..).zip(calls).collect();
        for columns in numbered.chunks(MAX_COLUMNS) {
            let column = |(number, operation): &(usize, &&str)| format!("{number} {operation}");
            let find = |name: &str, (number, _): &(usize, &&str)| {
                let mut scenarios = of_task(report, *task);
                scenarios.find(|one| one.mode.as_deref() == Some(name) && one.call == Some(*number))
            };
            let names = of_task(report, *task).filter_map(|one| one.mode.as_deref());
            let row = |name: &str| Row {
                name: name.to_owned(),
                cells: columns
                    .iter()
                    .map(|it| find(name, it).map(Cell::new))
                    .collect(),
            };
            let mut seen = BTreeSet::new();
            let rows = names.filter(|name| seen.insert(*name)).map(row).collect();
            let columns = columns.iter().map(column).collect();
            matrices.push(Matrix::new(task.to_string(), columns, rows));
        }
        let readings = of_task(report, *task).filter_map(|one| {
            let name = one.reading.clone()?;
            let cells = vec![Some(Cell::new(one))];
            Some(Row { name, cells })
        });
        let columns = vec!["every answer".to_owned()];
        let title = format!("{task}, readings");
        matrices.push(Matrix::new(title, columns, readings.collect()));
    }
    matrices.retain(|matrix| !matrix.rows.is_empty());
    matrices
}

fn of_task(report: &SweepReport, task: Task) -> impl Iterator<Item = &ScenarioResult> {
    let scenarios = report.scenarios.iter();
    scenarios.filter(move |scenario| scenario.task == task)
}

impl Matrix {
    fn new(title: String, columns: Vec<String>, rows: Vec<Row>) -> Matrix {
        let names = rows.iter().map(|row| row.name.chars().count());
        let columns = columns.into_iter();
        let columns = columns.map(|column| (column.len().max(MIN_WIDTH), column));
        Matrix {
            width: names.fold(title.chars().count(), usize::max),
            title,
            columns: columns.map(|(width, column)| (column, width)).collect(),
            rows,
        }
    }
}

impl Cell {
    fn new(scenario: &ScenarioResult) -> Cell {
        let name = scenario.verdict.name().replace('_', " ");
        let name = match (scenario.failed, &scenario.known) {
            (_, Some(_)) => format!("({name})"),
            (true, None) => name.to_uppercase(),
            (false, None) => name,
        };
        let mark = if scenario.marks.is_empty() { "" } else { "*" };
        Cell {
            scenario: scenario.name.clone(),
            verdict: scenario.verdict,
            failed: scenario.failed,
            known: scenario.known.is_some(),
            text: name + mark,
        }
    }
}

/// How many columns fit beside the longest name of a mode, if one of them is that of `set_password_by_admin`.
const MAX_COLUMNS: usize = 3;
/// How wide a column is at least: `FALSE SUCCESS` with a mark.
const MIN_WIDTH: usize = 15;
