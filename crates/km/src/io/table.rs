//! Tables for people: columns that are aligned with spaces.

use std::time::Duration;

use super::escape;

/// The spaces between two columns.
const GAP: &str = "  ";

/// Returns the header and the rows as lines with aligned columns. The last column is not padded.
///
/// The text is escaped here, because an escaped text is longer. Escaping it again changes nothing.
pub(crate) fn align<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Vec<String> {
    let escaped = |row: [String; N]| row.map(|cell| escape::text(&cell).into_owned());
    let rows: Vec<_> =
        std::iter::once(header.map(str::to_owned)).chain(rows.into_iter().map(escaped)).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Formats an age in its largest unit: `5s`, `12m`, `3h`, `40d`.
pub(crate) fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_escaped_cell() {
        let rows = [["a", "clé", ""], ["\u{1b}", "b", "note"]];
        let lines = align(["X", "NAME", "Y"], rows.map(|row| row.map(str::to_owned)));
        assert_eq!(lines, ["X       NAME  Y", "a       clé", "\\u{1b}  b     note"]);
    }

    #[test]
    fn age_is_rounded_down_to_its_largest_unit() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (86_399, "23h"),
            (86_400, "1d"),
            (40 * 86_400 + 1, "40d"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), expected);
        }
    }
}
