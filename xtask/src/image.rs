//! The container image: a static program, an image from it, and a look whether it does its work.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::server::{Arguments, available, suite};
use crate::step::{cargo, run};
use crate::workspace;

const DOCKERFILE: &str = include_str!("../../packaging/Dockerfile");

/// Where systems keep the roots of public certificates: Debian, Alpine and Arch; Fedora; SUSE.
const ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// Builds `km:VERSION`, and runs the suite that starts containers from it.
pub(crate) fn image(arguments: &Arguments) -> Result<()> {
    available(arguments)?;
    ensure!(OS == "linux", "the program is built for the system that builds it, and that is {OS}");
    let target = format!("{ARCH}-unknown-linux-gnu");
    let program = program(&target)?;
    let context = context(&program)?;
    let tag = format!("km:{}", env!("CARGO_PKG_VERSION"));
    let mut build = Command::new("docker");
    // Engines of before 23 have no BuildKit of their own; nothing in the file needs it.
    build.env("DOCKER_BUILDKIT", "0").args(["build", "--tag", &tag]).arg(&context);
    run("image", &mut build)?;
    // All of its tests are ignored where nobody asks for an image.
    let mut command = suite("image", &["--include-ignored"], arguments)?;
    run("the image's tests", command.env("KM_TEST_KM_IMAGE", &tag))
}

/// A program that needs no library of the system. With `--target`, build scripts and macros are
/// built as ever.
fn program(target: &str) -> Result<PathBuf> {
    let mut build = cargo(&["build", "--locked", "--release", "--package=km", "--target", target]);
    run("static program", build.env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    Ok(workspace::target()?.join(target).join("release").join("km"))
}

/// What the Dockerfile copies, and nothing else.
fn context(program: &Path) -> Result<PathBuf> {
    let context = workspace::target()?.join("image");
    let run = context.join("run");
    fs::create_dir_all(&run).with_context(|| format!("making {}", run.display()))?;
    let roots = ROOTS.into_iter().find(|roots| Path::new(roots).exists());
    let roots = roots.with_context(|| format!("this machine has none of {ROOTS:?}"))?;
    for (from, name) in [(program, "km"), (Path::new(roots), "ca-certificates.crt")] {
        fs::copy(from, context.join(name)).with_context(|| format!("copying {name}"))?;
    }
    fs::write(context.join("Dockerfile"), DOCKERFILE).context("writing the Dockerfile")?;
    Ok(context)
}
