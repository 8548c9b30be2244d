//! The table: what was measured of both, their ratio round by round, and the bar.

/// What a row must reach.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// Ours, in the row's unit.
    AtMost(f64),
    /// Ours over bare, or over whatever stands in its place.
    RatioAtLeast(f64),
    RatioAtMost(f64),
    /// Nothing; the figure is for the reader.
    None,
}

/// The rows so far.
#[derive(Default)]
pub(crate) struct Table {
    missed: Vec<String>,
}

/// What was measured of each, a round at a time.
#[derive(Default)]
pub(crate) struct Pair {
    pub(crate) bare: Vec<f64>,
    pub(crate) ours: Vec<f64>,
}

impl Pair {
    pub(crate) fn add(&mut self, bare: f64, ours: f64) {
        self.bare.push(bare);
        self.ours.push(ours);
    }
}

impl Table {
    pub(crate) fn head(&self) {
        println!(
            "{:44}{:>27}{:>27}{:>20}  bar",
            "minimum/median/maximum", "bare", "ours", "ours/bare"
        );
    }

    /// Prints a row. Ratios are of the rounds, in which both had their turn one right after the other; the median is held against the bar.
    pub(crate) fn row(&mut self, what: &str, pair: &Pair, bar: Bar) {
        let ratios: Vec<f64> = pair
            .bare
            .iter()
            .zip(&pair.ours)
            .map(|(bare, ours)| ours / bare)
            .collect();
        let (ours, ratio) = (median(&pair.ours), median(&ratios));
        let (wanted, met) = match bar {
            Bar::AtMost(most) => (format!("ours <= {most}"), ours <= most),
            Bar::RatioAtLeast(least) => (format!("ratio >= {least}"), ratio >= least),
            Bar::RatioAtMost(most) => (format!("ratio <= {most}"), ratio <= most),
            Bar::None => (String::new(), true),
        };
        let verdict = match bar {
            Bar::None => "",
            _ if met => ": met",
            _ => ": NOT MET",
        };
        println!(
            "{what:44}{:>27}{:>27}{:>20}  {wanted}{verdict}",
            three(&pair.bare),
            three(&pair.ours),
            three(&ratios)
        );
        if !met {
            self.missed.push(format!(
                "{what}: {wanted}, and it is {}",
                if matches!(bar, Bar::AtMost(_)) {
                    place(ours)
                } else {
                    place(ratio)
                }
            ));
        }
    }

    /// Prints two rows of which one must be met.
    pub(crate) fn either(&mut self, rows: [(&str, &Pair, Bar); 2]) {
        let before = self.missed.len();
        for (what, pair, bar) in rows {
            self.row(what, pair, bar);
        }
        if self.missed.len() < before + rows.len() {
            self.missed.truncate(before);
        }
    }

    /// Says which bars were missed, and whether none was.
    pub(crate) fn end(self) -> bool {
        for missed in &self.missed {
            println!("not met: {missed}");
        }
        self.missed.is_empty()
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn three(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match values {
        [] => String::new(),
        [one] => place(*one),
        _ => format!("{}/{}/{}", place(least), place(median(values)), place(most)),
    }
}

fn place(value: f64) -> String {
    if value >= 1000.0 {
        format!("{value:.0}")
    } else if value >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}
