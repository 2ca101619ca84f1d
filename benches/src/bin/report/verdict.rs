//! Whether a target is met, in the page's words.

use super::comparison::Target;
use super::page::time;

const NANOS_A_SECOND: f64 = 1_000_000_000.0;

impl Target {
    /// Of what costs so many nanoseconds, and so many times what the reference costs.
    pub(crate) fn verdict(self, cost: f64, ratio: f64) -> String {
        let (target, met) = match self {
            Self::Ratio(most) => (format!("≤ ×{most}"), ratio <= most),
            Self::Nanos(most) if most < 1_000.0 => (format!("≤ {most:.0} ns"), cost <= most),
            Self::Nanos(most) => (format!("≤ {}", time(most)), cost <= most),
            Self::PerSecond(least) => {
                (format!("≥ {} a second on a core", thousands(least)), per_second(cost) >= least)
            }
        };
        format!("{target}: {}", if met { "met" } else { "not met" })
    }
}

/// How many one core does in a second.
pub(crate) fn per_second(cost: f64) -> f64 {
    NANOS_A_SECOND / cost
}

/// A number of less than a million, as people write it.
pub(crate) fn thousands(number: f64) -> String {
    let (thousands, rest) = ((number / 1_000.0).floor(), number % 1_000.0);
    if thousands < 1.0 { format!("{rest:.0}") } else { format!("{thousands:.0},{rest:03.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_target() {
        let check = |target: Target, cost, ratio, expected| {
            assert_eq!(target.verdict(cost, ratio), expected);
        };
        check(Target::Ratio(1.5), 0.0, 1.5, "≤ ×1.5: met");
        check(Target::Ratio(1.5), 0.0, 1.51, "≤ ×1.5: not met");
        check(Target::Nanos(10.0), 9.9, 0.0, "≤ 10 ns: met");
        check(Target::Nanos(1_500_000.0), 1_600_000.0, 0.0, "≤ 1.5 ms: not met");
        let target = Target::PerSecond(10_000.0);
        check(target, 100_000.0, 0.0, "≥ 10,000 a second on a core: met");
        check(target, 100_100.0, 0.0, "≥ 10,000 a second on a core: not met");
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, expected) in [
            (0.0, "0"),
            (999.0, "999"),
            (1_000.0, "1,000"),
            (61_007.0, "61,007"),
            (123_456.0, "123,456"),
        ] {
            assert_eq!(thousands(number), expected);
        }
    }
}
