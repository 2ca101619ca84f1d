//! Parsing of one file.

use std::collections::BTreeSet;

use super::keys::source;
use super::limits;
use super::mapping::{self, Findings, Part};
use super::node::{Entry, Node, Value};
use crate::diagnostics::Diagnostics;

/// Parses a file and resolves its merge keys and duplicate keys. Returns the entries at its top
/// level.
pub(super) fn parse(name: &str, text: &str, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    let mut node: Node = match serde_saphyr::from_str_with_options(text, limits::options()) {
        Ok(node) => node,
        Err(error) => {
            let (line, column) =
                error.location().map_or((1, 1), |location| (location.line(), location.column()));
            let (message, hint) = limits::explain(&error);
            let message = format!("{message} (column {column})");
            diagnostics.problem(source(name, "", line), message, hint);
            return Vec::new();
        }
    };
    let mut findings = Findings::default();
    mapping::resolve(&mut node, Part::Top, &mut findings);
    report(&findings, name, diagnostics);
    match node.value {
        Value::Map(entries) => return entries,
        Value::Null => {}
        _ => {
            let hint = "put `general_settings:` at the top level";
            diagnostics.problem(source(name, "", 1), "the file is not a mapping", hint);
        }
    }
    Vec::new()
}

fn report(findings: &Findings, name: &str, diagnostics: &mut Diagnostics) {
    for line in &findings.duplicate_settings {
        diagnostics.problem(source(name, "", *line), "duplicate key", "keep one of the two");
    }
    for line in &findings.invalid_merges {
        let message = "`<<` merges a value that is not a mapping";
        let hint = "merge a mapping or a list of mappings";
        diagnostics.problem(source(name, "", *line), message, hint);
    }
    let lines: BTreeSet<_> = findings.duplicates.iter().collect();
    if let Some(first) = lines.first() {
        let more = match lines.len() {
            1 => String::new(),
            count => format!(" (and on {} more lines)", count - 1),
        };
        let message = format!("duplicate key, the last value is used{more}");
        diagnostics.warning(source(name, "", **first), message, "keep one of the two");
    }
}
