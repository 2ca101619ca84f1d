//! Memory: the figures of the benchmark `footprint`, as the page shows them.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// Resident bytes of one entry that are allowed.
const TARGET: f64 = 160.0;

/// Name of the figure, and how the page calls it: with keys and values in place, then with text.
const ROWS: [(&str, Option<&str>, &str); 5] = [
    ("map", Some("map-text"), "a plain `HashMap`"),
    ("papaya", None, "papaya"),
    ("quick_cache", Some("quick_cache-text"), "quick_cache"),
    ("moka", Some("moka-text"), "moka"),
    ("secret-cache", Some("secret-cache-text"), "`secret-cache`"),
];

/// What 100,000 entries take, and what a hit allocates.
pub(crate) fn section(results: &Path) -> Result<String> {
    let path = results.join("footprint.json");
    let text = fs::read(&path).with_context(|| path.display().to_string())?;
    let figures: Value = serde_json::from_slice(&text)?;
    let bytes = |name: &str| figures.pointer(&format!("/bytes_per_entry/{name}"))?.as_f64();
    let shown = |name: Option<&str>| {
        name.and_then(bytes).map_or_else(String::new, |bytes| format!("{bytes:.0}"))
    };
    let rows: Vec<_> = ROWS
        .iter()
        .map(|(arrays, texts, label)| {
            format!("| {label} | {} | {} |", shown(Some(arrays)), shown(*texts))
        })
        .collect();
    let ours = bytes("secret-cache").context("no figure of secret-cache")?;
    let verdict = if ours <= TARGET { "met" } else { "not met" };
    let allocations = figures.get("allocations").map(Value::to_string).unwrap_or_default();
    Ok(format!(
        "
## Memory, and what a hit allocates

| resident bytes per entry, of 100,000 | `[u8; 40]` to `[u8; 51]` | `String` to `String` |
| --- | --: | --: |
{}

Each is filled in a process of its own, and what the operating system says of it before and after is
compared. With keys and values in place the target is {TARGET:.0}: {verdict}. As text, a key and a value
take 160 bytes before anything is added: 24 each for themselves, and 48 and 64 for what they point to.
(quick_cache and moka clone values, so theirs are `Arc<str>`.)

Allocations in 10,000 hits by name, and in 10,000 by a handle: {allocations}.
",
        rows.join("\n")
    ))
}
