//! The programs in `examples/`, each of which takes one crate as another project would: built from
//! the packaged crates of this workspace, and run by the suite.

mod registry;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::compat;
use crate::server::{Arguments, available, suite};
use crate::step::{cargo, run};
use crate::workspace;
use registry::{Package, Registry};

/// Builds the examples and runs the tests of the suite that run them.
pub(crate) fn examples(arguments: &Arguments) -> Result<()> {
    arguments.without_filter()?;
    arguments.without_slow()?;
    available(arguments)?;
    let programs = build()?;
    let env = [("KM_TEST_EXAMPLES", programs.as_os_str())];
    let tests = arguments.clone().with_filters(&["examples::"]);
    suite("the tests that run examples", ("it", &[], &env), &tests)
}

/// Builds the examples, and returns the directory with their programs.
fn build() -> Result<PathBuf> {
    let metadata = workspace::metadata()?;
    compat::create_packages()?;

    let target = workspace::target()?;
    let packages = workspace::published(&metadata)?.map(|metadata| {
        let text = |field: &str| metadata[field].as_str().context("an incomplete package");
        let file = compat::archive(&target, text("name")?, text("version")?);
        Ok(Package { metadata, file })
    });
    let packages: Vec<Package<'_>> = packages.collect::<Result<_>>()?;
    let directory = target.join("examples");
    let registry = Registry::new(&directory.join("registry"), &packages)?;

    let root = workspace::root()?;
    let built = directory.join("target");
    for example in fs::read_dir(root.join("examples"))? {
        let example = example?.path();
        if example.join("Cargo.toml").exists() {
            build_one(&root, &example, &directory, &registry, &built)?;
        }
    }
    Ok(built.join("debug"))
}

/// Builds one example outside of this workspace, with the versions of other crates that are tested
/// here.
fn build_one(
    root: &Path,
    example: &Path,
    directory: &Path,
    registry: &Registry,
    target: &Path,
) -> Result<()> {
    let name = example.file_name().and_then(|name| name.to_str()).context("no name")?;
    let copy = directory.join(name);
    fs::create_dir_all(copy.join("src"))?;
    for file in ["Cargo.toml", "src/main.rs"] {
        copy_if_changed(&example.join(file), &copy.join(file))?;
    }
    fs::copy(root.join("Cargo.lock"), copy.join("Cargo.lock"))?;
    let mut build = cargo(&["build"]);
    build.arg("--config").arg(&registry.config).arg("--target-dir").arg(target);
    build.current_dir(&copy);
    run(&format!("example {name}, from packages"), &mut build)
}

/// Copies a file, whose time stamp stays if it is the same, so that nothing is built again.
fn copy_if_changed(from: &Path, to: &Path) -> Result<()> {
    let text = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    if fs::read(to).ok().as_ref() != Some(&text) {
        fs::write(to, text)?;
    }
    Ok(())
}
