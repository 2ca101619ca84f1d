//! The page: one table of ratios, and a section for each comparison.

use benches::format::{per_second, thousands, time};
use benches::{Range, machine, marked, today};

use crate::comparison::Comparison;
use crate::estimate::{Contender, Round};
use crate::target::Target;

/// The section on rotations, whose figures are measured by `cargo xtask interop --slow`.
const ROTATION: &str = include_str!("rotation.txt");

/// A comparison, and the contenders that were measured.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) comparison: &'static Comparison,
    pub(crate) contenders: Vec<Contender>,
}

impl Measured {
    fn reference(&self) -> Range {
        let rounds = self.contenders.iter().flat_map(|contender| &contender.rounds);
        Range::of(rounds.map(|round| round.reference))
    }

    /// Returns the median ratio of a contender to the reference.
    fn ratio(&self, name: &str) -> Option<f64> {
        let contender = self.contenders.iter().find(|contender| contender.name == name)?;
        Some(Range::of(contender.rounds.iter().map(Round::ratio)).1)
    }

    fn row(&self, contender: &Contender) -> [String; 5] {
        let Contender { name, label, rounds } = contender;
        let Range(_, cost, _) = Range::of(rounds.iter().map(|round| round.contender));
        let Range(least, ratio, most) = Range::of(rounds.iter().map(Round::ratio));
        let targets = self.comparison.targets.iter().filter(|(ours, _)| ours == name);
        let verdicts =
            targets.map(|(_, target)| target.verdict(cost, ratio, |name| self.ratio(name)));
        let verdicts: Vec<_> = verdicts.collect();
        let ratio = format!("×{ratio:.2} ({least:.2}–{most:.2})");
        [String::new(), (*label).to_owned(), time(cost), ratio, verdicts.join("; ")]
    }

    /// Returns the operations a second of each contender that has a target for them.
    fn rates(&self) -> String {
        let counts = |name| {
            let mut targets = self.comparison.targets.iter();
            targets.any(|(ours, target)| *ours == name && matches!(target, Target::PerSecond(_)))
        };
        let rates = self.contenders.iter().filter(|contender| counts(contender.name));
        let rates = rates.map(|Contender { label, rounds, .. }| {
            let Range(_, cost, _) = Range::of(rounds.iter().map(|round| round.contender));
            let rate = thousands(per_second(cost));
            format!("\n{label} does {rate} of these a second on one core.\n")
        });
        rates.collect()
    }
}

/// Returns the table of all comparisons; each reference is above its contenders.
pub(crate) fn table(measured: &[Measured]) -> String {
    let mut rows = vec![
        ["what", "contender", "cost", "ratio", "target"].map(String::from),
        ["---", "---", "--:", "--:", "---"].map(String::from),
    ];
    for one in measured {
        let Comparison { what, reference, .. } = one.comparison;
        let cost = time(one.reference().1);
        rows.push([(*what).into(), (*reference).into(), cost, "×1".into(), String::new()]);
        rows.extend(one.contenders.iter().map(|contender| one.row(contender)));
    }
    let lines: Vec<_> = rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect();
    lines.join("\n")
}

/// Returns the page as Markdown. `sidecars` is the part that `cargo xtask bench sidecar` writes.
pub(crate) fn page(measured: &[Measured], table: &str, footprint: &str, sidecars: &str) -> String {
    let (today, machine) = (today(), machine());
    let sidecars = marked::enclosed(sidecars);
    let sections: String = measured.iter().map(section).collect();
    format!(
        "# Benchmarks

Written by `cargo xtask bench` on {today}, on a machine with {machine}.

{table}

The cost is CPU time, except for the cold names, where it is elapsed time. A ratio is to the first row of
its block. Compare ratios, not times: times differ between machines, and over time on a shared machine.
{sections}{footprint}
{ROTATION}
{sidecars}
"
    )
}

fn section(one: &Measured) -> String {
    let Comparison { what, method, .. } = one.comparison;
    let Range(least, _, most) = one.reference();
    let times: usize = one.contenders.iter().map(|contender| contender.rounds.len()).sum();
    let what = capital(what);
    let rates = one.rates();
    let spread = (most / least - 1.0) * 100.0;
    let (least, most) = (time(least), time(most));
    format!(
        "
## {what}

{method}
{rates}
Noise of this run: the reference was measured {times} times and cost {least} to {most}, a spread of
{spread:.0} %.
"
    )
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparisons::ALL;

    fn measured(ours: f64) -> [Measured; 1] {
        let contender = |name, costs: [(f64, f64); 3]| Contender {
            name,
            label: name,
            rounds: costs.map(|(reference, contender)| Round { reference, contender }).to_vec(),
        };
        let contenders = vec![
            contender(
                "reqwest",
                [(10_000.0, 19_000.0), (10_000.0, 20_000.0), (10_000.0, 18_000.0)],
            ),
            contender("vault-kv", [(11_000.0, ours), (10_500.0, ours), (11_000.0, ours)]),
        ];
        [Measured { comparison: &ALL[0], contenders }]
    }

    #[test]
    fn ratio_is_the_median_of_the_rounds() {
        let table = table(&measured(21_450.0));
        assert!(table.contains("| reqwest | 19 µs | ×1.90 (1.80–2.00) |  |"), "{table}");
        let ours = "| vault-kv | 21.4 µs | ×1.95 (1.95–2.04) | ≤ ×2: met; ≤ ×1.2 of reqwest (×1.03): met |";
        assert!(table.contains(ours), "{table}");
    }

    #[test]
    fn missed_target_is_reported() {
        let table = table(&measured(23_000.0));
        assert!(table.contains("| ×2.09 (2.09–2.19) | ≤ ×2: not met; "), "{table}");
    }

    #[test]
    fn target_in_nanoseconds_is_compared_with_the_cost() {
        let comparison = ALL.iter().find(|one| one.group == "token_1").unwrap();
        let round = |contender| Round { reference: 20.0, contender };
        let row = |cost| {
            let rounds = vec![round(cost)];
            let contenders =
                vec![Contender { name: comparison.targets[0].0, label: "ours", rounds }];
            table(&[Measured { comparison, contenders }])
        };
        assert!(row(9.5).contains("| ours | 9.5 ns | ×0.47 (0.47–0.47) | ≤ 10 ns: met |"));
        assert!(row(11.0).contains("≤ 10 ns: not met |"));
    }

    #[test]
    fn noise_is_the_spread_of_the_reference() {
        let page = page(&measured(21_450.0), "", "", "");
        assert!(page.contains("6 times and cost 10 µs to 11 µs, a spread of\n10 %"), "{page}");
    }

    #[test]
    fn page_has_the_parts_that_are_measured_elsewhere() {
        let page = page(&measured(21_450.0), "", "## Memory\n", "## Sidecars\n");
        assert!(page.contains("## Memory\n\n## Rotation of a provider's key\n"), "{page}");
        assert_eq!(marked::part(&page), Some("## Sidecars\n"), "{page}");
    }

    #[test]
    fn rate_is_shown_where_it_is_a_target() {
        let comparison = ALL.iter().find(|one| one.group == "sidecar_native").unwrap();
        let rounds = vec![Round { reference: 10_000.0, contender: 16_000.0 }];
        let measured = [Measured {
            comparison,
            contenders: vec![Contender { name: "km", label: "ours", rounds }],
        }];
        let verdicts = "| ≤ ×1.5: not met; ≥ 10,000 a second on a core: met |";
        assert!(table(&measured).contains(verdicts), "{}", table(&measured));
        let page = page(&measured, "", "", "");
        assert!(page.contains("\n\nours does 62,500 of these a second on one core.\n\n"), "{page}");
        let page = super::page(&self::measured(21_450.0), "", "", "");
        assert!(!page.contains("on one core"), "{page}");
    }
}
