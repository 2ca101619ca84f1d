//! Durations as people write them: `500ms`, `5s`, `15m`, `1h`, `1d`, `1w`, or bare seconds.

use std::time::Duration;

use humantime::DurationError;

/// Ten years. No lease or cache lives as long, and no sum with a clock's reading overflows.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Units of `humantime` that are not accepted: their length varies, and `M` looks like minutes.
const CALENDAR: [&str; 8] = ["M", "month", "months", "y", "year", "years", "yr", "yrs"];

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
    if text.split(|c: char| !c.is_alphabetic()).any(|unit| CALENDAR.contains(&unit)) {
        return Err("is not a duration");
    }
    let is_bare = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let parsed = if is_bare {
        humantime::parse_duration(&format!("{text}s"))
    } else {
        humantime::parse_duration(text)
    };
    match parsed {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) | Err(DurationError::NumberOverflow) => Err("is longer than ten years"),
        Err(_) => Err("is not a duration"),
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
            ("1h 30m", Duration::from_secs(5400)),
            ("1d", Duration::from_secs(86_400)),
            ("1 day", Duration::from_secs(86_400)),
            ("2w", Duration::from_secs(14 * 86_400)),
            ("315360000", LONGEST),
        ] {
            assert_eq!(parse(input), Ok(expected), "{input:?}");
        }
    }

    #[test]
    fn text_that_is_not_a_duration_is_refused() {
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
