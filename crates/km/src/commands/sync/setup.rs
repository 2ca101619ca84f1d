//! What both forms of the command begin with: the directory, and the files to write to it.

use std::collections::BTreeSet;

use km_proxy_adapter::{ErrorKind, KeyManager, is_resolved_by_gateway, parse_reference};
use tracing::warn;

use crate::cli::{GlobalArgs, SyncArgs};
use crate::commands::files::{FileAccess, Publication, to_files};
use crate::commands::values::Binding;
use crate::commands::variables::is_credential;
use crate::error::Failure;

/// Opens the directory of `--dir`.
pub(super) async fn open(global: &GlobalArgs, args: &SyncArgs) -> Result<Publication, Failure> {
    Publication::open(global, "--dir", args.dir.clone(), FileAccess::from(&args.files)).await
}

/// Returns a file for each name of `--only`, or else for each name that the configuration
/// references. Sends nothing.
///
/// # Errors
///
/// `Usage` if there is no name, if a name cannot be that of a file, or if a file of another program
/// has this name; the errors of [`KeyManager::locate`].
pub(super) async fn bindings(
    keys: &KeyManager,
    args: &SyncArgs,
    publication: &Publication,
) -> Result<Vec<Binding>, Failure> {
    let bindings = to_files(selected(keys, args)?)?;
    if bindings.is_empty() {
        let hint = "name secrets by --only, or reference them in the file of --config";
        return Err(Failure::new(ErrorKind::Usage, "usage: no secret to write to a file", hint));
    }
    for binding in &bindings {
        keys.locate(&binding.name)?;
    }
    publication.check(bindings.iter().map(|binding| binding.target.as_str())).await?;
    Ok(bindings)
}

fn selected(keys: &KeyManager, args: &SyncArgs) -> Result<Vec<Binding>, Failure> {
    let references: Vec<_> = if args.only.is_empty() {
        let references = keys.settings().references.iter();
        references.filter(|name| !is_resolved_by_gateway(name)).collect()
    } else {
        args.only.iter().collect()
    };
    let (mut bindings, mut seen) = (Vec::new(), BTreeSet::new());
    for reference in references {
        let name = parse_reference(reference)?;
        if is_credential(name.as_ref()) {
            warn!(name, "skipped: credentials are not passed to a program");
        } else if seen.insert(name) {
            bindings.push(Binding::of_name(name, args.allow_missing));
        }
    }
    Ok(bindings)
}
