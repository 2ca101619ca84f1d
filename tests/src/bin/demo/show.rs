//! The demo's output.

pub(crate) fn heading(text: &str) {
    println!("\n== {text}");
}

pub(crate) fn command(line: &str) {
    println!("   $ {line}");
}

pub(crate) fn text(text: &str) {
    text.lines().for_each(|line| println!("     {line}"));
}

/// Prints a claim that has just been verified.
pub(crate) fn claim(text: &str) {
    println!("   ok: {text}");
}
