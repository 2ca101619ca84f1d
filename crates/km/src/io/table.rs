//! Aligned tables.

use super::styled::{Line, Span, Tone};

/// The columns between two cells.
const GAP: usize = 2;

/// A table with a header. The columns are aligned by their width on a terminal.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Span>>,
}

impl Table {
    pub(crate) fn new<const COLUMNS: usize>(header: [&str; COLUMNS]) -> Self {
        let header = header.into_iter().map(|title| Span::new(title, Tone::Heading));
        Self { rows: vec![header.collect()] }
    }

    /// Appends a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Span>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Returns the header and the rows, without spaces at their ends.
    pub(crate) fn into_lines(self) -> Vec<Line> {
        let mut widths = Vec::new();
        for row in &self.rows {
            widths.resize(widths.len().max(row.len()), 0);
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let align = |mut row: Vec<Span>| {
            let last = row.len().saturating_sub(1);
            for (cell, width) in row.iter_mut().take(last).zip(&widths) {
                cell.pad(width + GAP);
            }
            Line::new(row)
        };
        self.rows.into_iter().map(align).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::styled::Colors;
    use super::*;

    #[test]
    fn columns_are_aligned_by_width() {
        let mut table = Table::new(["NAME", "STATE"]);
        for (name, state) in [("日本", "fresh"), ("A_LONG_NAME", "stale"), ("", "-")] {
            table.row([Span::new(name, Tone::Plain), Span::new(state, Tone::Good)]);
        }
        let lines: Vec<_> =
            table.into_lines().iter().map(|line| line.render(Colors::Off, None)).collect();
        assert_eq!(
            lines,
            ["NAME         STATE", "日本         fresh", "A_LONG_NAME  stale", "             -"]
        );
    }
}
