//! The container image: a static program, the image, and its tests.

use std::env::consts::{ARCH, OS};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::server::{Arguments, available, suite};
use crate::step::{cargo, run};
use crate::workspace;

const DOCKERFILE: &str = include_str!("../../packaging/Dockerfile");

/// The files with public root certificates on Debian, Alpine and Arch; on Fedora; on SUSE.
const ROOTS: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// Builds `km:VERSION` and runs the tests that start containers from it.
pub(crate) fn image(arguments: &Arguments) -> Result<()> {
    arguments.without_slow()?;
    available(arguments)?;
    ensure!(OS == "linux", "cannot build the image on {OS}: run this on Linux");
    let target = format!("{ARCH}-unknown-linux-gnu");
    let program = program(&target)?;
    let context = context(&program)?;
    let tag = format!("km:{}", env!("CARGO_PKG_VERSION"));
    let mut build = Command::new("docker");
    // Engines before version 23 have no built-in BuildKit, and the Dockerfile does not need it.
    build.env("DOCKER_BUILDKIT", "0").args(["build", "--tag", &tag]).arg(&context);
    run("image", &mut build)?;
    // The tests are ignored by default, because they need the image.
    let env = [("KM_TEST_KM_IMAGE", OsStr::new(&tag))];
    suite("the image's tests", ("image", &["--include-ignored"], &env), arguments)
}

/// Builds a statically linked program. Because of `--target`, the flags do not apply to build scripts and
/// procedural macros.
fn program(target: &str) -> Result<PathBuf> {
    let mut build =
        cargo(&["build", "--locked", "--release", "--package=km-cli", "--target", target]);
    run("static program", build.env("RUSTFLAGS", "-C target-feature=+crt-static"))?;
    Ok(workspace::target()?.join(target).join("release").join("km"))
}

/// Creates the build context: only what the Dockerfile copies.
fn context(program: &Path) -> Result<PathBuf> {
    let context = workspace::target()?.join("image");
    let run = context.join("run");
    fs::create_dir_all(&run).with_context(|| format!("creating {}", run.display()))?;
    let roots = ROOTS.into_iter().find(|roots| Path::new(roots).exists());
    let roots = roots.with_context(|| format!("no root certificates: none of {ROOTS:?} exists"))?;
    for (from, name) in [(program, "km"), (Path::new(roots), "ca-certificates.crt")] {
        fs::copy(from, context.join(name)).with_context(|| format!("copying {name}"))?;
    }
    fs::write(context.join("Dockerfile"), DOCKERFILE).context("writing the Dockerfile")?;
    Ok(context)
}
