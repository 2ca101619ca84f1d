//! Prints `docs/reference/settings.md`, generated from the table of settings:
//! `cargo run -p km-settings --example settings_page > docs/reference/settings.md`.

#![expect(clippy::print_stdout, reason = "printing is the purpose of this program")]

fn main() {
    print!("{}", km_settings::reference::markdown());
}
