//! Prints `docs/reference/settings.md`, which is made from the table of settings:
//! `cargo run -p km-settings --example settings_page > docs/reference/settings.md`.

#![expect(clippy::print_stdout, reason = "the page is what this program is for")]

fn main() {
    print!("{}", km_settings::reference::markdown());
}
