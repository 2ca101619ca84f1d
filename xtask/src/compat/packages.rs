//! Packages that are complete: outside the workspace everything in them compiles, and the documentation
//! has no dead links.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::published::Published;
use crate::step::{cargo, run};
use crate::workspace;

/// The profile of this workspace, so that compiled dependencies are shared.
const PROFILE: &str = "[profile.dev]\ndebug = \"line-tables-only\"\n";

/// Compiles all targets of the packages, and their documentation.
pub(super) fn check(published: &Published) -> Result<()> {
    let outside = Outside::with_tests(published)?;
    let all = ["check", "--workspace", "--all-targets"];
    run("all targets of the packages", &mut outside.cargo(&all)?)?;
    let mut doc = outside.cargo(&["doc", "--workspace", "--no-deps", "--lib"])?;
    doc.args(published.features_of_libraries());
    run("documentation of the packages", doc.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The packages, unpacked into a workspace of their own, with the versions of this workspace's lock file.
#[derive(Debug)]
pub(super) struct Outside {
    root: PathBuf,
}

impl Outside {
    /// Unpacks the packages as they are.
    pub(super) fn with_tests(published: &Published) -> Result<Self> {
        Self::unpack(published, "packages")
    }

    /// Unpacks the packages without their dev-dependencies.
    pub(super) fn without_tests(published: &Published) -> Result<Self> {
        let outside = Self::unpack(published, "without-tests")?;
        for (name, version) in names(published) {
            let manifest = outside.root.join(format!("{name}-{version}/Cargo.toml"));
            let text = fs::read_to_string(&manifest).with_context(|| shown(&manifest))?;
            fs::write(&manifest, without_dev_dependencies(&text))
                .with_context(|| shown(&manifest))?;
        }
        Ok(outside)
    }

    /// Returns a command of cargo in this workspace, with the target directory of the project.
    pub(super) fn cargo(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = cargo(arguments);
        command.env("CARGO_TARGET_DIR", workspace::target()?).current_dir(&self.root);
        // Nothing is compiled twice, and the state of every combination of features would fill a disk.
        command.env("CARGO_INCREMENTAL", "0");
        Ok(command)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    fn unpack(published: &Published, directory: &str) -> Result<Self> {
        create(published)?;
        let target = workspace::target()?;
        let root = target.join("compat").join(directory);
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| format!("removing {}", root.display()))?;
        }
        fs::create_dir_all(&root).with_context(|| format!("creating {}", root.display()))?;
        for (name, version) in names(published) {
            extract(&archive(&target, name, version), &root)?;
        }
        fs::write(root.join("Cargo.toml"), manifest(published)).context("writing a manifest")?;
        let lock = workspace::root()?.join("Cargo.lock");
        fs::copy(&lock, root.join("Cargo.lock")).context("copying Cargo.lock")?;
        Ok(Self { root })
    }
}

/// Unpacks an archive into a directory. Its files get the current time, because cargo compares times, and
/// those in a package are constant.
pub(super) fn extract(archive: &Path, directory: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["-x", "-m", "-f"]).arg(archive).arg("-C").arg(directory);
    let status = tar.status().context("starting tar")?;
    ensure!(status.success(), "unpacking {}: {status}", archive.display());
    Ok(())
}

/// Creates the packages in `target/package`.
pub(super) fn create(published: &Published) -> Result<()> {
    // They are compiled together below, not each with its own dependencies.
    let mut package = cargo(&["package", "--workspace", "--no-verify", "--allow-dirty", "--quiet"]);
    package.args(published.others.iter().map(|other| format!("--exclude={other}")));
    run("package", &mut package)
}

/// Returns the path of a package that [`create`] has created below the target directory.
pub(super) fn archive(target: &Path, name: &str, version: &str) -> PathBuf {
    target.join(format!("package/{name}-{version}.crate"))
}

/// Returns the manifest of a workspace of the packages, which depend on each other by version.
fn manifest(published: &Published) -> String {
    let (mut members, mut patches) = (String::new(), String::new());
    for (name, version) in names(published) {
        let _ = write!(members, "\"{name}-{version}\", ");
        let _ = writeln!(patches, "{name} = {{ path = \"{name}-{version}\" }}");
    }
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{members}]\n\n[patch.crates-io]\n{patches}\n{PROFILE}"
    )
}

/// Returns a normalized manifest without the tables of dev-dependencies.
fn without_dev_dependencies(manifest: &str) -> String {
    let (mut kept, mut is_kept) = (String::new(), true);
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_kept = !line.starts_with("[dev-dependencies") && !line.contains(".dev-dependencies");
        }
        if is_kept {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn names(published: &Published) -> impl Iterator<Item = (&str, &str)> {
    published.crates.iter().map(|package| (package.name.as_str(), package.version.as_str()))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_dependencies_are_removed_from_manifests() {
        let manifest = "[dependencies.a]\nversion = \"1\"\n\n[dev-dependencies.b]\nversion = \"1\"\n\n\
            [target.'cfg(unix)'.dev-dependencies.c]\nversion = \"1\"\n\n[features]\nd = []\n";
        let kept = "[dependencies.a]\nversion = \"1\"\n\n[features]\nd = []\n";
        assert_eq!(without_dev_dependencies(manifest), kept);
    }
}
