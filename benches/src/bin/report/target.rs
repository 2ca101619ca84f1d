//! Targets, and whether a measurement meets them.

use benches::format::{per_second, thousands, time};

/// A bound on a cost.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// At most this many times the reference's cost.
    Ratio(f64),
    /// At most this many times the cost of another contender, by name.
    RatioTo(&'static str, f64),
    /// At most this many nanoseconds.
    Nanos(f64),
    /// At least this many operations a second of one core's time.
    PerSecond(f64),
}

impl Target {
    /// Returns the target and whether it is met.
    ///
    /// `cost` is in nanoseconds, `ratio` is to the reference, and `ratio_of` returns the ratio of another
    /// contender to the reference.
    pub(crate) fn verdict(
        self,
        cost: f64,
        ratio: f64,
        ratio_of: impl Fn(&str) -> Option<f64>,
    ) -> String {
        let (target, is_met) = match self {
            Self::Ratio(most) => (format!("≤ ×{most}"), ratio <= most),
            Self::RatioTo(other, most) => {
                let times = ratio_of(other).map(|other| ratio / other);
                let shown = times.map_or_else(String::new, |times| format!(" (×{times:.2})"));
                let is_met = times.is_some_and(|times| times <= most);
                (format!("≤ ×{most} of {other}{shown}"), is_met)
            }
            Self::Nanos(most) => (format!("≤ {}", time(most)), cost <= most),
            Self::PerSecond(least) => {
                (format!("≥ {} a second on a core", thousands(least)), per_second(cost) >= least)
            }
        };
        format!("{target}: {}", if is_met { "met" } else { "not met" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdict_names_the_target_and_the_outcome() {
        let check = |target: Target, cost, ratio, expected| {
            let ratio_of = |name: &str| (name == "reqwest").then_some(1.5);
            assert_eq!(target.verdict(cost, ratio, ratio_of), expected);
        };
        check(Target::Ratio(1.5), 0.0, 1.5, "≤ ×1.5: met");
        check(Target::Ratio(1.5), 0.0, 1.51, "≤ ×1.5: not met");
        check(Target::RatioTo("reqwest", 1.2), 0.0, 1.8, "≤ ×1.2 of reqwest (×1.20): met");
        check(Target::RatioTo("reqwest", 1.2), 0.0, 1.9, "≤ ×1.2 of reqwest (×1.27): not met");
        check(Target::RatioTo("other", 1.2), 0.0, 1.0, "≤ ×1.2 of other: not met");
        check(Target::Nanos(10.0), 9.9, 0.0, "≤ 10 ns: met");
        check(Target::Nanos(1_500_000.0), 1_600_000.0, 0.0, "≤ 1.5 ms: not met");
        let target = Target::PerSecond(10_000.0);
        check(target, 100_000.0, 0.0, "≥ 10,000 a second on a core: met");
        check(target, 100_100.0, 0.0, "≥ 10,000 a second on a core: not met");
    }
}
