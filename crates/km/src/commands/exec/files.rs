//! `km exec --files`: the values that the program reads from files instead of its environment.
//!
//! A binding to a file has the path of the file as its target, which the name of a variable of
//! `--env` never resembles, because it has no slash. Bindings to files follow those to variables.

use std::path::Path;

use km_proxy_adapter::{KeyManager, Secret};

use crate::cli::{ExecArgs, GlobalArgs, ResolveArgs};
use crate::commands::files::{FileAccess, Publication, to_files};
use crate::commands::values::{Binding, Values};
use crate::commands::variables::{Credentials, to_bindings};
use crate::error::Failure;

/// The files of the program. There are none without `--files`.
pub(super) struct ProgramFiles(Option<Publication>);

impl ProgramFiles {
    /// Opens the directory of `--files`.
    pub(super) async fn open(global: &GlobalArgs, args: &ExecArgs) -> Result<Self, Failure> {
        let Some(directory) = &args.files else {
            return Ok(Self(None));
        };
        let directory = directory.clone();
        let opened = Publication::open(global, "--files", directory, FileAccess::PRIVATE).await;
        opened.map(|publication| Self(Some(publication)))
    }

    /// Verifies that no other program's entry is in the place of a file.
    pub(super) async fn check(&self, bindings: &[Binding]) -> Result<(), Failure> {
        let Some(publication) = &self.0 else {
            return Ok(());
        };
        let targets = bindings.iter().map(|binding| binding.target.as_str());
        publication.check(targets.filter_map(file_name)).await
    }

    /// Writes the files before the program starts.
    pub(super) async fn write(&mut self, values: &Values) -> Result<(), Failure> {
        match &mut self.0 {
            Some(publication) => publication.publish(files(values)).await.map(drop),
            None => Ok(()),
        }
    }

    /// Replaces the files while the program is running. Failures are logged.
    pub(super) async fn replace(&mut self, values: &Values) {
        if let Some(publication) = &mut self.0 {
            let _ = publication.publish_or_log(files(values)).await;
        }
    }

    /// Waits until another attempt to replace the files is due. Never returns if none is.
    /// Cancel-safe.
    pub(super) async fn retry_due(&self) {
        match &self.0 {
            Some(publication) => publication.retry_due().await,
            None => std::future::pending().await,
        }
    }

    /// Removes the files after the end of the program.
    pub(super) async fn remove(self) {
        if let Some(publication) = self.0 {
            publication.remove_all().await;
        }
    }
}

/// Returns the bindings of the variables of `--env`, and then those of the files.
pub(super) async fn bindings(
    keys: &KeyManager,
    resolve: &ResolveArgs,
    directory: &Path,
    credentials: Credentials,
) -> Result<Vec<Binding>, Failure> {
    let (variables, files) = resolve.split();
    let mut bindings = match variables {
        Some(variables) => to_bindings(keys, &variables, credentials).await?,
        None => Vec::new(),
    };
    for binding in to_files(to_bindings(keys, &files, credentials).await?)? {
        let target = directory.join(&binding.target).display().to_string();
        bindings.push(Binding { target, ..binding });
    }
    Ok(bindings)
}

/// Returns the values that the program receives as variables.
pub(super) fn variables<'v>(args: &ExecArgs, values: &'v Values) -> &'v [(String, Secret)] {
    let is_variable = |target: &str| args.files.is_none() || file_name(target).is_none();
    let end = values.partition_point(|(target, _)| is_variable(target));
    values.get(..end).unwrap_or_default()
}

fn files(values: &Values) -> impl Iterator<Item = (&str, &Secret)> {
    values.iter().filter_map(|(target, value)| Some((file_name(target)?, value)))
}

/// Returns the name of the file at a target. `None` if the target is a variable.
fn file_name(target: &str) -> Option<&str> {
    target.rsplit_once('/').map(|(_, name)| name)
}
