//! Numbers as the pages show them.

const NANOS_PER_SECOND: f64 = 1_000_000_000.0;

/// Returns how many operations of this cost in nanoseconds one core does in a second.
pub fn per_second(cost: f64) -> f64 {
    NANOS_PER_SECOND / cost
}

/// Formats nanoseconds with a unit. A whole number has no fraction.
pub fn time(nanos: f64) -> String {
    let (number, unit) = match nanos {
        ..1_000.0 => (nanos, "ns"),
        ..1_000_000.0 => (nanos / 1_000.0, "µs"),
        _ => (nanos / 1_000_000.0, "ms"),
    };
    let digits = usize::from(number.fract() != 0.0);
    format!("{number:.digits$} {unit}")
}

/// Formats a number below a million with a thousands separator.
pub fn thousands(number: f64) -> String {
    let (thousands, rest) = ((number / 1_000.0).floor(), number % 1_000.0);
    if thousands < 1.0 { format!("{rest:.0}") } else { format!("{thousands:.0},{rest:03.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
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

    #[test]
    fn time_has_a_unit_and_at_most_one_digit_of_a_fraction() {
        for (nanos, expected) in
            [(10.0, "10 ns"), (9.46, "9.5 ns"), (21_450.0, "21.4 µs"), (1_500_000.0, "1.5 ms")]
        {
            assert_eq!(time(nanos), expected);
        }
    }
}
