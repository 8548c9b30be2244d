//! Every fact of the contract with the cases of the run that cover it, those of none too.

use std::{collections::BTreeMap, fmt::Write as _};

use crate::{
    contract,
    report::{CaseResult, Summary, TargetSummary, conclusion::amount, html::escape::text},
};

/// Writes a table per target.
pub(super) fn write(summary: &Summary) -> String {
    let tables = summary
        .targets
        .iter()
        .enumerate()
        .map(|(index, target)| table(index, target));
    format!("<h2>Facts</h2>\n{}", tables.collect::<String>())
}

fn table(index: usize, target: &TargetSummary) -> String {
    let contract = contract::of(target.kind);
    let mut covered: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
    for case in &target.cases {
        case.facts.iter().for_each(|fact| {
            covered
                .entry(fact.rsplit(' ').next().unwrap_or(fact))
                .or_default()
                .push(case)
        });
    }
    let facts = contract.facts();
    let count = facts
        .iter()
        .filter(|fact| covered.contains_key(fact.name.as_str()))
        .count();
    let mut html = format!(
        "<h3 id=\"t{index}-facts\">{}: {count} of {} covered by the cases of this run</h3>\n\
         <table>\n<thead><tr><th></th><th>fact</th><th>followed</th><th>covered by</th></tr></thead>\n<tbody>\n",
        text(&target.name()),
        amount(facts.len(), "fact")
    );
    for fact in &facts {
        let followed = target
            .profile
            .iter()
            .find(|followed| followed.fact == fact.name);
        let reading = followed.map_or_else(String::new, |followed| {
            let seen = followed
                .readings
                .iter()
                .chain(&followed.other)
                .map(|reading| text(reading))
                .collect::<Vec<_>>();
            if seen.is_empty() {
                "mixed".to_owned()
            } else {
                seen.join(" or ")
            }
        });
        let class = if followed.is_some_and(|followed| !followed.is_default) {
            " class=\"other\""
        } else {
            ""
        };
        let number = contract.ambiguity_number(&fact.name).unwrap_or_default();
        let name = text(&fact.name);
        let cases = covered.get(fact.name.as_str()).map_or_else(
            || "<span class=\"soft\">no case</span>".to_owned(),
            |cases| list(index, cases),
        );
        let _ = writeln!(
            html,
            "<tr id=\"t{index}.fact.{name}\"><td class=\"number\">{number}</td><td><code>{name}</code></td><td{class}>{reading}</td><td>{cases}</td></tr>"
        );
    }
    html + "</tbody>\n</table>\n"
}

fn list(index: usize, cases: &[&CaseResult]) -> String {
    let links: String = cases
        .iter()
        .map(|case| {
            format!(
                "<li><a href=\"#t{index}.{id}\">{id}</a></li>",
                id = text(&case.id)
            )
        })
        .collect();
    format!(
        "<details><summary>{}</summary><ul>{links}</ul></details>",
        amount(cases.len(), "case")
    )
}
