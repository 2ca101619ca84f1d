//! Parsing of durations: `500ms`, `5s`, `15m`, `1h`, `1d`, `1w`, or a number of seconds.

use std::time::Duration;

use humantime::DurationError;

/// The longest duration, ten years. It exceeds any TTL, and added to a clock it does not overflow.
const MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Units of `humantime` that are rejected: their length varies, and `M` looks like minutes.
const CALENDAR_UNITS: [&str; 8] = ["M", "month", "months", "y", "year", "years", "yr", "yrs"];

/// Parses a duration, of ten years at most.
///
/// # Errors
///
/// Returns what is wrong, as a fragment that follows the value.
pub fn parse(text: &str) -> Result<Duration, &'static str> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err("is negative");
    }
    if text.split(|c: char| !c.is_alphabetic()).any(|unit| CALENDAR_UNITS.contains(&unit)) {
        return Err("is not a duration");
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let parsed = if is_number {
        humantime::parse_duration(&format!("{text}s"))
    } else {
        humantime::parse_duration(text)
    };
    match parsed {
        Ok(duration) if duration <= MAX => Ok(duration),
        Ok(_) | Err(DurationError::NumberOverflow) => Err("is longer than ten years"),
        Err(_) => Err("is not a duration"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_with_a_unit_or_in_seconds_is_parsed() {
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
            ("1h 30m", Duration::from_secs(5400)),
            ("1d", Duration::from_secs(86_400)),
            ("1 day", Duration::from_secs(86_400)),
            ("2w", Duration::from_secs(14 * 86_400)),
            ("315360000", MAX),
        ] {
            assert_eq!(parse(input), Ok(expected), "{input:?}");
        }
    }

    #[test]
    fn invalid_text_is_rejected_with_its_reason() {
        for (input, expected) in [
            ("", "is not a duration"),
            (".", "is not a duration"),
            ("s", "is not a duration"),
            ("abc", "is not a duration"),
            ("1.2.3", "is not a duration"),
            ("1M", "is not a duration"),
            ("1y", "is not a duration"),
            ("1 year", "is not a duration"),
            ("d", "is not a duration"),
            ("3653d", "is longer than ten years"),
            ("1e9", "is not a duration"),
            ("+5", "is not a duration"),
            ("inf", "is not a duration"),
            ("NaN", "is not a duration"),
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
