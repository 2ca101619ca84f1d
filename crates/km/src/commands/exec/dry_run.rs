//! `km exec --dry-run`: prints the variables of the program and their sources, never a value.

use km_proxy_adapter::Secret;
use serde::Serialize;

use crate::commands::source::found_in;
use crate::commands::values::{Binding, Values};
use crate::error::Failure;
use crate::io::output;
use crate::io::styled::{Span, Tone};
use crate::io::table::Table;

/// A variable that the program would receive.
#[derive(Debug, Serialize)]
struct Row<'a> {
    variable: &'a str,
    name: &'a str,
    field: Option<&'a str>,
    /// `None` if the value is missing, so that the program would not receive the variable.
    source: Option<&'static str>,
    version: Option<u64>,
}

/// Prints a table, or one JSON document.
pub(super) fn print(bindings: &[Binding], values: &Values, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document<'a> {
        variables: Vec<Row<'a>>,
    }
    if json {
        let variables = bindings.iter().map(|binding| row(binding, values)).collect();
        return output::json(&Document { variables });
    }
    let mut table = Table::new(["VARIABLE", "NAME", "SOURCE", "VERSION"]);
    for binding in bindings {
        let Row { variable, source, version, .. } = row(binding, values);
        let version = version.map(|version| version.to_string());
        let source = source.unwrap_or("missing");
        table.row([
            Span::new(variable, Tone::Plain),
            Span::new(&binding.secret(), Tone::Plain),
            Span::new(source, Tone::Plain),
            Span::or_dash(version.as_deref(), Tone::Plain),
        ]);
    }
    output::table(table)
}

fn row<'a>(binding: &'a Binding, values: &Values) -> Row<'a> {
    let value = values.iter().find(|(variable, _)| *variable == binding.target);
    let value = value.map(|(_, value)| value);
    Row {
        variable: &binding.target,
        name: &binding.name,
        field: binding.field.as_deref(),
        source: value.map(|value| found_in(value.source())),
        version: value.and_then(Secret::version),
    }
}
