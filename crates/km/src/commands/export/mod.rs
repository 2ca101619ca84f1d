//! `km export`: prints the values that the configuration references, for other tools.
//!
//! The names are collected and resolved like those of `km exec`. Nothing is printed unless every
//! value can be.

mod github;
mod json;
mod shell;

use std::io::{self, IsTerminal as _};

use km_proxy_adapter::{ErrorKind, KeyManager};
use tracing::warn;

use super::values::{Binding, Values, resolve_initial};
use super::variables::{Credentials, check_variables, to_bindings};
use crate::cli::{ExportArgs, ExportFormat};
use crate::dotenv;
use crate::error::Failure;
use crate::io::output;
use crate::io::secret_text::SecretText;

pub(crate) async fn run(keys: &KeyManager, args: ExportArgs, json: bool) -> Result<(), Failure> {
    let default = if json { ExportFormat::Json } else { ExportFormat::Dotenv };
    let format = args.format.unwrap_or(default);
    let bindings = to_bindings(keys, &args.resolve, Credentials::Skip).await?;
    check_names(format, &bindings, &args.resolve.danger_env)?;
    let file = if format == ExportFormat::Github { github::open_file()? } else { None };
    if bindings.is_empty() {
        warn!("nothing to export: no name is referenced or selected (hint: use --only NAME)");
    }
    let values = resolve_initial(keys, &bindings).await?;
    check_variables(&values, &args.resolve.danger_env)?;
    if io::stdout().is_terminal() {
        warn!("stdout is a terminal, which displays the values (hint: redirect it)");
    }
    match format {
        ExportFormat::Dotenv => print(&values, dotenv::push),
        ExportFormat::Shell => print(&values, |text, name, value| {
            shell::push(text, name, value);
            Ok(())
        }),
        ExportFormat::Json => json::print(&values),
        ExportFormat::Github => github::export(&values, file),
    }
}

/// Verifies that the format can hold these names.
///
/// # Errors
///
/// All names that it cannot hold.
fn check_names(
    format: ExportFormat,
    bindings: &[Binding],
    danger_env: &[String],
) -> Result<(), Failure> {
    let refused = bindings.iter().map(|binding| &binding.target).filter_map(|name| {
        let refused = match format {
            // A JSON object has members of any name.
            ExportFormat::Json => return None,
            _ if !dotenv::is_variable(name) => Some((
                "not the name of a variable: letters, digits and `_`",
                "export it with --format json, or store it under another name".to_owned(),
            )),
            ExportFormat::Shell if shell::is_executed(name) && !danger_env.contains(name) => {
                Some((
                    "refused, because an interactive shell executes this variable",
                    format!("do not set it, or allow it with --danger-env {name}"),
                ))
            }
            ExportFormat::Github if github::is_reserved(name) => Some((
                "GitHub Actions does not allow steps to set this variable",
                "store the value under another name".to_owned(),
            )),
            _ => None,
        };
        let (why, hint) = refused?;
        Some(Failure::new(ErrorKind::Usage, format!("export {name}: {why}"), hint))
    });
    refused.reduce(Failure::and).map_or(Ok(()), Err)
}

/// Prints each value as `push` writes it.
fn print(
    values: &Values,
    push: impl Fn(&mut SecretText, &str, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut text = SecretText::default();
    for (name, value) in values {
        push(&mut text, name, value.expose())?;
    }
    output::secret_text(&text)
}
