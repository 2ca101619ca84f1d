//! HTTP dates.

use std::time::SystemTime;

/// Parses a date in the [form](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7) that servers
/// must send, whose parts are those of RFC 3339 in another order.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let mut parts = date.strip_suffix(" GMT")?.splitn(4, ' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{time}Z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fixed_length_form_is_parsed() {
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 30 Feb 2024 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37.5 GMT GMT", None),
            ("1994-11-06T08:49:37Z", None),
            ("", None),
        ] {
            let since = parse(text).and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
            assert_eq!(since.map(|since| since.as_secs()), expected, "{text}");
        }
    }
}
