//! How the demo looks on a terminal.

pub(crate) fn heading(text: &str) {
    println!("\n== {text}");
}

pub(crate) fn command(line: &str) {
    println!("   $ {line}");
}

pub(crate) fn text(text: &str) {
    text.lines().for_each(|line| println!("     {line}"));
}

/// What was just shown to be so.
pub(crate) fn claim(text: &str) {
    println!("   ok: {text}");
}
