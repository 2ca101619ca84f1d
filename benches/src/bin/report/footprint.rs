//! The section on memory, from the figures of the benchmark `footprint`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// The target for the resident bytes of one entry.
const TARGET: f64 = 160.0;

/// The figure for inline keys and values, the figure for heap-allocated text, and the label.
const ROWS: [(&str, Option<&str>, &str); 5] = [
    ("map", Some("map-text"), "a plain `HashMap`"),
    ("papaya", None, "papaya"),
    ("quick_cache", Some("quick_cache-text"), "quick_cache"),
    ("moka", Some("moka-text"), "moka"),
    ("secret-cache", Some("secret-cache-text"), "`secret-cache`"),
];

/// Returns the section: bytes per entry, and allocations of a hit.
///
/// # Errors
/// The figures cannot be read.
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
## Memory per entry, and allocations per hit

| resident bytes per entry, of 100,000 | `[u8; 40]` to `[u8; 51]` | `String` to `String` |
| --- | --: | --: |
{}

Each cache is filled in a process of its own, and the resident memory of that process is compared before and
after. With inline keys and values the target is {TARGET:.0} bytes: {verdict}. As text, a key and a value
take 160 bytes by themselves: 24 bytes each for the `String`, and 48 and 64 bytes on the heap. (quick_cache
and moka clone values, so theirs are `Arc<str>`.)

Allocations in 10,000 hits by name, and in 10,000 by a handle: {allocations}.
",
        rows.join("\n")
    ))
}
