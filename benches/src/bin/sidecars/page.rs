//! The table, and the parts of the pages.

use benches::format::{thousands, time};
use benches::{Range, machine, today};

use crate::figures::{IN_FLIGHT, Plan, RATE};
use crate::row::{self, Row};
use crate::tools::KM_VAULT_API;

/// The method, as Markdown.
const METHOD: &str = include_str!("method.md");

/// How the summary is repeated.
const REPEAT: &str = "
The cache of `vault proxy` does not notice changes with the community edition of Vault, which this is. LiteLLM alone is its
secret manager in one Python process, with and without the value in its memory.

`cargo xtask bench sidecar` repeats it: it needs Vault (on `PATH`, in `KM_TEST_VAULT_BIN`, or Go, which builds it) and
Python 3.11, and installs OpenBao and LiteLLM into the target directory. The
[page](docs/benchmarks.md#the-sidecar-beside-other-tools) has the method, the spread and what the figures leave out.
";

/// Returns the table with all figures. The first row is the reference.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![
        format!(
            "| reads of a secret | a second, one at a time | a second, {IN_FLIGHT} at a time | ratio | \
             CPU per read | ratio | p99 at {} a second | resident | start |",
            thousands(RATE.into())
        ),
        "| --- | --: | --: | --: | --: | --: | --: | --: | --: |".to_owned(),
    ];
    lines.extend(rows.iter().map(|row| {
        let [one, many, cpu, p99, resident, start] = cells(row);
        let ratio = |figure| rows.first().and_then(|first| row.ratio(first, figure));
        let [rates, costs] = [row::RATE, row::CPU].map(|figure| spread(ratio(figure)));
        let cells = [row.label.to_owned(), one, many, rates, cpu, costs, p99, resident, start];
        format!("| {} |", cells.join(" | "))
    }));
    lines.join("\n")
}

/// Returns the part of `docs/benchmarks.md`.
pub(crate) fn part(rows: &[Row], plan: &Plan) -> String {
    let (today, machine, table) = (today(), machine(), table(rows));
    let (fast, paced) = (plan.fast.as_secs_f64(), plan.paced.as_secs_f64());
    let (rounds, runs, targets) = (plan.rounds, plan.runs, targets(rows));
    format!(
        "
## The sidecar beside other tools

Measured by `cargo xtask bench sidecar` on {today}, on a machine with {machine}.

{table}

{METHOD}
There are {rounds} rounds. In each, every tool is started, measured and ended, one after the other: {fast} s of reads one
at a time, {fast} s of {IN_FLIGHT} at a time, and {paced} s at the fixed rate; a program that reads one secret is run
{runs} times. A figure is the median of the rounds, and a ratio is the median of the rounds' ratios to the first row, with
the smallest and the largest in parentheses.

{targets}
"
    )
}

/// Returns the part of the README.
pub(crate) fn summary(rows: &[Row]) -> String {
    let head = format!(
        "| reading a secret, {IN_FLIGHT} at a time | reads a second | CPU per read | p99 at {} a second | \
         resident | start |
|---|--:|--:|--:|--:|--:|",
        thousands(RATE.into())
    );
    let lines = rows.iter().map(|row| {
        let [one, many, cpu, p99, resident, start] = cells(row);
        let rate = if row.median(|figures| figures.many).is_some() { many } else { one };
        format!("\n| {} | {rate} | {cpu} | {p99} | {resident} | {start} |", row.label)
    });
    format!("{head}{}\n{REPEAT}", lines.collect::<String>())
}

/// Returns reads a second one and many at a time, CPU time, latency, memory and start of a row.
fn cells(row: &Row) -> [String; 6] {
    let shown = |figure: row::Figure, show: fn(f64) -> String| {
        row.median(figure).map_or_else(|| "–".to_owned(), show)
    };
    let p99 = match (row.median(row::P99), row.median(|figures| figures.many)) {
        (None, Some(_)) => "not reached".to_owned(),
        _ => shown(row::P99, time),
    };
    [
        shown(|figures| Some(figures.one), count),
        shown(|figures| figures.many, count),
        shown(row::CPU, time),
        p99,
        shown(|figures| Some(figures.resident), |bytes| format!("{:.0} MiB", bytes / 1_048_576.0)),
        shown(|figures| figures.start, start),
    ]
}

/// Formats reads a second, which are below a million outside of LiteLLM's own memory.
fn count(reads: f64) -> String {
    if reads < 10.0 { format!("{reads:.1}") } else { thousands(reads.round()) }
}

fn start(nanos: f64) -> String {
    if nanos < 1e9 { format!("{:.0} ms", nanos / 1e6) } else { format!("{:.1} s", nanos / 1e9) }
}

fn spread(ratio: Option<Range>) -> String {
    let number = |ratio: f64| match ratio {
        ..0.0095 => format!("{ratio:.4}"),
        ..0.095 => format!("{ratio:.3}"),
        ..9.95 => format!("{ratio:.2}"),
        _ => format!("{ratio:.0}"),
    };
    let shown = |Range(least, ratio, most)| {
        format!("×{} ({}–{})", number(ratio), number(least), number(most))
    };
    ratio.map(shown).unwrap_or_default()
}

/// Returns the targets of the sidecar, and whether they are met.
fn targets(rows: &[Row]) -> String {
    let verdict = |is_met| if is_met { "met" } else { "not met" };
    let Some((first, ours)) = rows.first().zip(rows.iter().find(|row| row.label == KM_VAULT_API))
    else {
        return String::new();
    };
    let ratio = |figure| ours.ratio(first, figure).map_or(f64::NAN, |Range(_, ratio, _)| ratio);
    let (rate, cpu) = (verdict(ratio(row::RATE) >= 3.0), verdict(ratio(row::CPU) <= 0.25));
    let p99 = verdict(ours.median(row::P99).is_some_and(|p99| p99 <= 500_000.0));
    format!(
        "Targets of {KM_VAULT_API}: at least ×3 of the reads a second of the first row: {rate}; at most ×0.25 of its CPU \
         per read: {cpu}; a p99 of at most 0.5 ms: {p99}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Figures;

    fn row(label: &'static str, rounds: &[(f64, f64)]) -> Row {
        let figures = |&(many, cpu)| Figures {
            one: 2_000.0,
            many: Some(many),
            cpu,
            p99: Some(400_000.0),
            resident: 12_000_000.0,
            start: Some(15_000_000.0),
        };
        Row { label, rounds: rounds.iter().map(figures).collect() }
    }

    fn rows() -> [Row; 2] {
        let reference =
            row("other", &[(1_000.0, 80_000.0), (2_000.0, 80_000.0), (1_000.0, 90_000.0)]);
        [
            reference,
            row(KM_VAULT_API, &[(5_000.0, 8_000.0), (8_000.0, 8_000.0), (3_000.0, 9_000.0)]),
        ]
    }

    #[test]
    fn ratio_is_the_median_of_the_rounds() {
        let cells = "2,000 | 5,000 | ×4.00 (3.00–5.00) | 8 µs | ×0.10 (0.10–0.10) | 400 µs | 11 MiB | 15 ms |";
        let table = table(&rows());
        assert!(table.contains(&format!("| {KM_VAULT_API} | {cells}")), "{table}");
    }

    #[test]
    fn target_of_each_figure_is_compared() {
        let mut rows = rows();
        let text = targets(&rows);
        assert!(text.contains("row: met; ") && text.contains("read: met; "), "{text}");
        assert!(text.ends_with("0.5 ms: met."), "{text}");
        for figures in &mut rows[1].rounds {
            (figures.many, figures.cpu, figures.p99) = (Some(2_000.0), 50_000.0, Some(600_000.0));
        }
        assert_eq!(targets(&rows).matches(": not met").count(), 3, "{}", targets(&rows));
    }

    #[test]
    fn figure_that_was_not_measured_is_not_shown_as_a_number() {
        let mut rows = rows();
        rows[1].rounds[0].p99 = None;
        assert!(table(&rows).contains("| not reached | 11 MiB |"), "{}", table(&rows));
        for figures in &mut rows[1].rounds {
            (figures.many, figures.start) = (None, None);
        }
        let text = summary(&rows);
        assert!(text.contains("| 2,000 | 8 µs | – | 11 MiB | – |"), "{text}");
    }

    #[test]
    fn numbers_have_a_sensible_precision() {
        for (number, expected) in [(7.34, "7.3"), (73.4, "73"), (123_456.7, "123,457")] {
            assert_eq!(count(number), expected);
        }
        assert_eq!([start(15_400_000.0), start(4_560_000_000.0)], ["15 ms", "4.6 s"]);
        assert_eq!(spread(Some(Range(0.000_41, 1.5, 45.6))), "×1.50 (0.0004–46)");
    }
}
