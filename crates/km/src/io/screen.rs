//! Redraws a terminal.

use std::io;

use super::styled::{Colors, Line};

/// Moves the cursor to the upper left corner.
const HOME: &str = "\u{1b}[H";

/// Clears from the cursor to the end of the line, or of the screen.
const CLEAR_LINE: &str = "\u{1b}[K";
const CLEAR_REST: &str = "\u{1b}[J";

/// Returns the text that replaces what a terminal displays. Lines that don't fit are cut.
pub(crate) fn redraw(lines: &[Line], colors: Colors) -> String {
    let (width, height) = size();
    let mut text = HOME.to_owned();
    for line in lines.iter().take(height.map_or(usize::MAX, |height| height - 1)) {
        text.push_str(&line.render(colors, width));
        text.push_str(CLEAR_LINE);
        text.push('\n');
    }
    text + CLEAR_REST
}

/// Returns the columns and lines of the terminal on stdout, as far as it knows them.
fn size() -> (Option<usize>, Option<usize>) {
    let known = |count: u16| (count > 0).then_some(usize::from(count));
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) => (known(size.ws_col), known(size.ws_row)),
        Err(_) => (None, None),
    }
}
