//! The proof on one page: the matrix as a picture for each kind, and the tables it is made of. No script; the style is allowed by its hash.

use std::fmt::Write as _;

use crate::{
    contract::Kind,
    report::{
        conclusion::amount,
        html,
        html::escape::{lines, text},
        proof::{Mark, Proof, Trial},
    },
};

/// Writes a proof as one HTML file.
pub fn write(proof: &Proof) -> String {
    let (trials, killed) = proof.trials();
    let words = if proof.holds() {
        format!("Proved: {killed} of {trials} mutants killed as declared.")
    } else {
        format!("Not proved: {}.", amount(proof.problems.len(), "problem"))
    };
    let class = if proof.holds() { "good" } else { "bad" };
    let mut page = html::head(&words, STYLE);
    let _ = writeln!(
        page,
        "<header>\n<h1 class=\"{class}\">{}</h1>",
        text(&words)
    );
    for problem in &proof.problems {
        let _ = writeln!(page, "<p class=\"trouble\">{}</p>", lines(problem));
    }
    page.push_str("</header>\n<main>\n");
    page.push_str(&mutants(proof));
    page.push_str(&controls(proof));
    Kind::ALL
        .iter()
        .for_each(|kind| page.push_str(&matrix(proof, *kind)));
    Kind::ALL
        .iter()
        .for_each(|kind| page.push_str(&facts(proof, *kind)));
    let _ = writeln!(
        page,
        "</main>\n<footer>{}</footer>\n</body>\n</html>",
        text(&proof.tool)
    );
    page
}

fn mutants(proof: &Proof) -> String {
    let mut html =
        "<h2>Mutants</h2>\n<table>\n<thead><tr><th></th><th>mutant</th><th>dies of</th><th>by</th><th>noticed by</th></tr></thead>\n<tbody>\n"
            .to_owned();
    for (index, mutant) in proof.mutants.iter().enumerate() {
        let survived: String = mutant
            .trials
            .iter()
            .filter_map(|trial| Some((trial.kind, trial.survived.as_ref()?)))
            .map(|(kind, found)| format!("<p class=\"bad\">{kind}: {}</p>", text(found)))
            .collect();
        let noticed: Vec<String> = mutant
            .trials
            .iter()
            .map(|trial| {
                format!(
                    "{} {}{}",
                    trial.kind,
                    trial.kills.len(),
                    if trial.sweeping { " *" } else { "" }
                )
            })
            .collect();
        let _ = writeln!(
            html,
            "<tr><td class=\"number\">{}</td><td><code>{}</code><p class=\"soft\">{}</p>{survived}</td><td>{}</td><td><code>{}</code></td><td>{}</td></tr>",
            index + 1,
            text(&mutant.id),
            text(&mutant.what),
            text(&mutant.verdict),
            text(&mutant.by),
            noticed.join("<br/>")
        );
    }
    html + "</tbody>\n</table>\n<p class=\"soft\">* so many cases notice it that it speaks for none of them.</p>\n"
}

fn controls(proof: &Proof) -> String {
    let mut html = "<h2>Controls</h2>\n<table>\n<thead><tr><th>control</th><th>readings named</th></tr></thead>\n<tbody>\n".to_owned();
    for control in &proof.controls {
        let wrong: String = control
            .wrong
            .iter()
            .flat_map(|(kind, wrong)| wrong.iter().map(move |wrong| (kind, wrong)))
            .fold(String::new(), |mut html, (kind, wrong)| {
                let _ = write!(html, "<p class=\"bad\">{kind}: {}</p>", text(wrong));
                html
            });
        let mut told: Vec<&String> = control.told.values().flatten().collect();
        told.sort();
        told.dedup();
        let told: String = told
            .iter()
            .map(|told| format!("<li><code>{}</code></li>", text(told)))
            .collect();
        let _ = writeln!(
            html,
            "<tr><td><code>{}</code><p class=\"soft\">{}</p>{wrong}</td><td><ul class=\"plain\">{told}</ul></td></tr>",
            text(&control.id),
            text(&control.what)
        );
    }
    html + "</tbody>\n</table>\n"
}

/// A picture: rows are cases, columns are mutants by number; each column names its mutant where the pointer rests on it.
fn matrix(proof: &Proof, kind: Kind) -> String {
    let cases: Vec<&str> = proof
        .cases
        .iter()
        .filter(|score| score.kind == kind)
        .map(|score| score.id.as_str())
        .collect();
    let columns: Vec<(usize, &str, &Trial)> = proof
        .mutants
        .iter()
        .enumerate()
        .filter_map(|(index, mutant)| {
            Some((
                index + 1,
                mutant.id.as_str(),
                mutant.trials.iter().find(|trial| trial.kind == kind)?,
            ))
        })
        .collect();
    let (width, height) = (LABEL + columns.len() * SIDE, TOP + cases.len() * SIDE);
    let mut html = format!(
        "<h2>Matrix: {kind}</h2>\n<p class=\"soft\">Red: no reading allows the answer. Blue: only the snapshot tells. Pale columns speak for no case.</p>\n\
         <div class=\"wide\"><svg class=\"matrix\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         aria-label=\"which case of the {kind} notices which mutant\">\n"
    );
    for (row, case) in cases.iter().enumerate() {
        let _ = writeln!(
            html,
            "<text x=\"{}\" y=\"{}\">{}</text>",
            LABEL - 4,
            TOP + row * SIDE + SIDE - 2,
            text(case)
        );
    }
    for (column, (number, id, trial)) in columns.iter().enumerate() {
        let x = LABEL + column * SIDE;
        let pale = if trial.sweeping {
            " class=\"pale\""
        } else {
            ""
        };
        let _ = write!(
            html,
            "<g{pale}><title>{number} {}</title><text class=\"up\" transform=\"translate({} {}) rotate(-90)\">{number}</text>",
            text(id),
            x + SIDE - 2,
            TOP - 3
        );
        for (mark, class) in [(Mark::Deviation, "d"), (Mark::Changed, "c")] {
            let rows = cases
                .iter()
                .enumerate()
                .filter(|(_, case)| trial.kills.get(**case) == Some(&mark));
            let squares: String = rows
                .map(|(row, _)| format!("M{x} {}h7v7h-7z", TOP + row * SIDE))
                .collect();
            if !squares.is_empty() {
                let _ = write!(html, "<path class=\"{class}\" d=\"{squares}\"/>");
            }
        }
        html.push_str("</g>\n");
    }
    html + "</svg></div>\n"
}

fn facts(proof: &Proof, kind: Kind) -> String {
    let mut html = format!(
        "<h2>Facts: {kind}</h2>\n<table>\n<thead><tr><th></th><th>fact</th><th>covered</th><th>notice</th><th>mutants</th></tr></thead>\n<tbody>\n"
    );
    for score in proof.facts.iter().filter(|score| score.kind == kind) {
        let mutants = match &score.spared {
            Some(because) => format!("<span class=\"soft\">spared: {}</span>", text(because)),
            None => score
                .mutants
                .iter()
                .map(|id| format!("<code>{}</code> ", text(id)))
                .collect(),
        };
        let _ = writeln!(
            html,
            "<tr><td class=\"number\">{}</td><td><code>{}</code></td><td>{}</td><td>{}</td><td>{mutants}</td></tr>",
            score.register.as_deref().map(text).unwrap_or_default(),
            text(&score.fact),
            score.covered,
            score.notice
        );
    }
    html + "</tbody>\n</table>\n"
}

/// The style of every report, and what a matrix needs beyond it.
const STYLE: &str = concat!(
    include_str!("../html/style.css"),
    ".wide { overflow-x: auto; } svg.matrix text { font: 6.5px ui-monospace, \"DejaVu Sans Mono\", monospace; fill: var(--ink); text-anchor: end; }\n\
     svg.matrix text.up { text-anchor: start; fill: var(--soft); } svg.matrix .d { fill: var(--red); } svg.matrix .c { fill: var(--blue); }\n\
     svg.matrix .pale path { opacity: .3; } p.bad { color: var(--red); }\n"
);

/// The side of a square, the room for the cases' names and for the mutants' numbers, in pixels.
const SIDE: usize = 8;
const LABEL: usize = 260;
const TOP: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::proof::sample;

    #[test]
    fn the_page_is_well_formed_and_escaped() {
        let page = write(&sample::failed());
        assert!(!page.contains("<otherwise>") && page.contains("&lt;otherwise&gt;"));
        let body = page.trim_start_matches("<!DOCTYPE html>\n");
        let mut reader = quick_xml::Reader::from_str(body);
        while reader
            .read_event()
            .unwrap_or_else(|error| panic!("{error}"))
            != quick_xml::events::Event::Eof
        {}
    }

    #[test]
    fn a_page_of_a_matrix() {
        let page = write(&sample::failed());
        insta::assert_snapshot!("proof_html", page.split_once("</style>").unwrap().1);
    }
}
