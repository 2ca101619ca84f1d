//! A cargo registry of the packaged crates of this workspace, made from their `.crate` files.
//!
//! It is a Git repository with an index in the
//! [registry format](https://doc.rust-lang.org/cargo/reference/registry-index.html). Its path contains
//! a hash of the packages, because cargo keeps the packages of a registry by its address and never
//! downloads a version again.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use ring::digest::{Context as Hasher, SHA256, digest};
use serde_json::{Value, json};

/// The name of the registry in the configuration of cargo.
const NAME: &str = "packaged";

/// A crate that was packaged.
pub(super) struct Package<'a> {
    /// Its entry in `cargo metadata`.
    pub(super) metadata: &'a Value,
    /// Its `.crate` file.
    pub(super) file: PathBuf,
}

/// A registry in the file system.
#[derive(Debug)]
pub(super) struct Registry {
    /// The configuration of cargo that replaces published crates by those of the registry.
    pub(super) config: PathBuf,
}

impl Registry {
    /// Makes the registry below `directory`, unless it is there already.
    pub(super) fn new(directory: &Path, packages: &[Package<'_>]) -> Result<Self> {
        let files = packages.iter().map(|package| Ok(fs::read(&package.file)?));
        let files: Vec<Vec<u8>> = files.collect::<Result<_>>()?;
        let mut all = Hasher::new(&SHA256);
        for bytes in &files {
            all.update(bytes);
        }
        let root = directory.join(&hex(all.finish().as_ref())[..16]);
        if !root.join("complete").exists() {
            write(&root, packages, &files)?;
        }
        Ok(Self { config: root.join("cargo.toml") })
    }
}

/// Returns the configuration of cargo that replaces published crates by those of the registry.
fn configuration(index: &Path, packages: &[Package<'_>]) -> Result<String> {
    let mut text = format!("[registries.{NAME}]\nindex = 'file://{}'\n\n", index.display());
    text.push_str("[patch.crates-io]\n");
    for package in packages {
        let (name, version) = (package.text("name")?, package.text("version")?);
        writeln!(text, "{name} = {{ version = '={version}', registry = '{NAME}' }}")?;
    }
    Ok(text)
}

fn write(root: &Path, packages: &[Package<'_>], files: &[Vec<u8>]) -> Result<()> {
    let index = root.join("index");
    if root.exists() {
        fs::remove_dir_all(root)?;
    }
    fs::create_dir_all(&index)?;
    let download = format!("file://{}/{{crate}}-{{version}}.crate", root.display());
    fs::write(index.join("config.json"), json!({ "dl": download }).to_string())?;
    for (package, bytes) in packages.iter().zip(files) {
        let (name, version) = (package.text("name")?, package.text("version")?);
        fs::write(root.join(format!("{name}-{version}.crate")), bytes)?;
        let path = index.join(index_path(name));
        fs::create_dir_all(path.parent().context("an index file has a directory")?)?;
        let checksum = hex(digest(&SHA256, bytes).as_ref());
        fs::write(path, format!("{}\n", package.index_entry(&checksum)?))?;
    }
    fs::write(root.join("cargo.toml"), configuration(&index, packages)?)?;
    commit(&index)?;
    fs::write(root.join("complete"), "")?;
    Ok(())
}

/// Commits all files, because cargo reads an index from Git.
fn commit(index: &Path) -> Result<()> {
    let who = ["-c", "user.name=xtask", "-c", "user.email=xtask@localhost"];
    for words in [&["init", "-q", "."][..], &["add", "."], &["commit", "-q", "-m", "packages"]] {
        let mut git = Command::new("git");
        git.current_dir(index).args(who).args(["-c", "commit.gpgsign=false"]).args(words);
        let status = git.stdin(Stdio::null()).status().context("starting git")?;
        ensure!(status.success(), "git {} ended with {status}", words.join(" "));
    }
    Ok(())
}

/// Returns the path of a crate's file in an index.
fn index_path(name: &str) -> String {
    match name.len() {
        1 | 2 => format!("{}/{name}", name.len()),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

impl Package<'_> {
    fn text(&self, field: &str) -> Result<&str> {
        self.metadata[field].as_str().with_context(|| format!("a package has no {field}"))
    }

    /// Returns the line of the package in an index.
    fn index_entry(&self, checksum: &str) -> Result<Value> {
        let dependencies = self.metadata["dependencies"].as_array();
        let dependencies = dependencies.context("a package has no dependencies")?;
        // The registry of all dependencies is the public one, also that of crates of this workspace:
        // so it is in their manifests. A replacement in the configuration leads to this registry.
        let public = dependencies.iter().find_map(|one| one["source"].as_str());
        let public = public.and_then(|source| source.strip_prefix("registry+"));
        let is_published = |one: &&Value| one["kind"].as_str() != Some("dev");
        Ok(json!({
            "name": self.text("name")?,
            "vers": self.text("version")?,
            "deps": dependencies
                .iter()
                .filter(is_published)
                .map(|one| dependency(one, public))
                .collect::<Vec<_>>(),
            "cksum": checksum,
            // `features2` and version 2 of the format are for `dep:` and `?`.
            "features": {},
            "features2": self.metadata["features"],
            "yanked": false,
            "rust_version": self.metadata["rust_version"],
            "v": 2,
        }))
    }
}

fn dependency(one: &Value, public: Option<&str>) -> Value {
    // In an index, `name` is the name in the manifest and `package` that of the crate.
    let (name, package) = match one["rename"].as_str() {
        Some(rename) => (json!(rename), one["name"].clone()),
        None => (one["name"].clone(), Value::Null),
    };
    let kind = one["kind"].as_str().unwrap_or("normal");
    json!({
        "name": name,
        "package": package,
        "req": one["req"],
        "features": one["features"],
        "optional": one["optional"],
        "default_features": one["uses_default_features"],
        "target": one["target"],
        "kind": kind,
        "registry": public,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_path_is_that_of_the_registry_format() {
        for (name, expected) in
            [("a", "1/a"), ("km", "2/km"), ("url", "3/u/url"), ("vault-kv", "va/ul/vault-kv")]
        {
            assert_eq!(index_path(name), expected);
        }
    }

    #[test]
    fn renamed_dependency_has_the_name_of_its_crate() {
        let one = json!({ "name": "rand", "rename": "rand8", "req": "^0.8", "kind": "build" });
        let entry = dependency(&one, Some("https://index"));
        assert_eq!((&entry["name"], &entry["package"]), (&json!("rand8"), &json!("rand")));
        assert_eq!(
            (&entry["kind"], &entry["registry"]),
            (&json!("build"), &json!("https://index"))
        );
    }
}
