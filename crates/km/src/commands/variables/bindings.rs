//! The variables of a command, and the secrets that they are bound to.

use std::collections::BTreeSet;

use km_proxy_adapter::{KeyManager, is_resolved_by_gateway, parse_reference};
use tracing::warn;

use super::environment::is_credential;
use crate::cli::ResolveArgs;
use crate::commands::values::Binding;
use crate::error::Failure;

/// What to do with names of variables that hold credentials for Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Resolve them like other names.
    Keep,
    /// Skip them with a warning.
    Skip,
}

/// Returns the bindings of the names of `--only`, or else of those that the configuration
/// references, in their order and without duplicates.
pub(crate) fn to_bindings(
    keys: &KeyManager,
    args: &ResolveArgs,
    credentials: Credentials,
) -> Result<Vec<Binding>, Failure> {
    let references = if args.only.is_empty() {
        let references = keys.settings().references.iter();
        references.filter(|name| !is_resolved_by_gateway(name)).collect::<Vec<_>>()
    } else {
        args.only.iter().collect()
    };
    let (mut bindings, mut seen) = (Vec::new(), BTreeSet::new());
    for reference in references {
        let name = parse_reference(reference)?;
        if credentials == Credentials::Skip && is_credential(name.as_ref()) {
            warn!(name, "skipped: credentials are not passed to a program");
        } else if seen.insert(name) {
            bindings.push(Binding::of_name(name, args.allow_missing));
        }
    }
    Ok(bindings)
}
