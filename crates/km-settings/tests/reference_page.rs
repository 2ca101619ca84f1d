//! The reference page of the settings, which is generated from their table.

#[test]
fn reference_page_is_up_to_date() {
    let page = include_str!("../../../docs/reference/settings.md");
    let command = "cargo run -p km-settings --example settings_page > docs/reference/settings.md";
    assert!(page == km_settings::reference::markdown(), "the page is out of date, run `{command}`");
}
