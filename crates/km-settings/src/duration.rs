//! Durations as people write them: `500ms`, `5s`, `15m`, `1h`, or bare seconds.

use std::time::Duration;

/// Ten years. No lease or cache lives as long, and no sum with a clock's reading overflows.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// `text` as a duration.
///
/// # Errors
///
/// What is wrong with it, as a fragment.
pub(crate) fn parse(text: &str) -> Result<Duration, &'static str> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err("is negative");
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let scale = match unit.trim_start() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("is no duration"),
    };
    let number: f64 = number.parse().map_err(|_| "is no duration")?;
    match Duration::try_from_secs_f64(number * scale) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        _ => Err("is longer than ten years"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_seconds() {
        for (input, expected) in [
            ("0", Duration::ZERO),
            ("0s", Duration::ZERO),
            ("86400", Duration::from_secs(86_400)),
            (" 5 ", Duration::from_secs(5)),
            ("0.5", Duration::from_millis(500)),
            ("500ms", Duration::from_millis(500)),
            ("5s", Duration::from_secs(5)),
            ("5 s", Duration::from_secs(5)),
            ("15m", Duration::from_secs(900)),
            ("1h", Duration::from_secs(3600)),
            ("315360000", LONGEST),
        ] {
            assert_eq!(parse(input), Ok(expected), "{input:?}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for (input, expected) in [
            ("", "is no duration"),
            (".", "is no duration"),
            ("s", "is no duration"),
            ("abc", "is no duration"),
            ("1.2.3", "is no duration"),
            ("1d", "is no duration"),
            ("1e9", "is no duration"),
            ("+5", "is no duration"),
            ("inf", "is no duration"),
            ("NaN", "is no duration"),
            ("-1", "is negative"),
            ("-0", "is negative"),
            ("-inf", "is negative"),
            ("315360001", "is longer than ten years"),
            ("99999999999999999999999999", "is longer than ten years"),
        ] {
            assert_eq!(parse(input), Err(expected), "{input:?}");
        }
        assert_eq!(parse(&"9".repeat(400)), Err("is longer than ten years"));
    }
}
