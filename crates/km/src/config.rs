//! Reads the settings of this process and connects the key manager that they describe.
//!
//! Files are read on a blocking thread and with a time limit, so that a signal ends the command
//! even if a file system hangs. The rules of the settings are in [`km_settings`].

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use km_proxy_adapter::{ConfigFiles, Error, ErrorKind, KeyManager, VaultValidator};
use km_settings::{
    Env, IncludeError, Includes as _, Problems, ProcessEnv, Settings, Sources, Yaml,
};
use tracing::warn;
use zeroize::Zeroizing;

use crate::cli::GlobalArgs;
use crate::error::Failure;
use crate::signals;

/// The largest settings file, in bytes: 1 MiB.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The time limit for reading all settings files. Local files take milliseconds.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

const CONFIG_HINT: &str = "set --config (KM_CONFIG) to LiteLLM's config.yaml";

/// Connects for a single command, which sends no request that it does not need.
pub(crate) async fn connect(global: &GlobalArgs) -> Result<KeyManager, Failure> {
    connect_once(read_and_warn(global).await?)
}

/// Like [`connect`], for a command that reports the warnings of the settings itself.
pub(crate) async fn connect_without_warnings(global: &GlobalArgs) -> Result<KeyManager, Failure> {
    connect_once(read(global, Settings::from_sources).await?)
}

fn connect_once(settings: Settings) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect_once(settings, ProcessEnv)?;
    signals::register(&keys);
    Ok(keys)
}

/// Connects for a long-running process.
pub(crate) async fn connect_long_running(global: &GlobalArgs) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect(read_and_warn(global).await?).await?;
    signals::register(&keys);
    Ok(keys)
}

/// Connects for a long-running process that has to notice changes; `what` is its command or option.
///
/// # Errors
///
/// `Settings` if values are never read again.
pub(crate) async fn connect_watching(
    global: &GlobalArgs,
    what: &str,
) -> Result<KeyManager, Failure> {
    let keys = connect_long_running(global).await?;
    if keys.settings().refresh_interval.is_zero() {
        let what =
            format!("settings: HCP_VAULT_REFRESH_INTERVAL is 0, so that {what} notices no change");
        let hint = "unset it; KM_POLL_INTERVAL is the time within which a change is noticed";
        return Err(Failure::new(ErrorKind::Settings, what, hint));
    }
    Ok(keys)
}

/// Connects for the sidecar, which serves other processes.
pub(crate) async fn connect_server(global: &GlobalArgs) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect(read_and_warn(global).await?.for_server()).await?;
    if keys.settings().virtual_keys.store {
        // A forbidden folder for virtual keys fails at startup rather than at the first request.
        keys.virtual_keys(None)?;
    }
    signals::register(&keys);
    Ok(keys)
}

/// Reads the settings and logs their warnings.
pub(crate) async fn read_and_warn(global: &GlobalArgs) -> Result<Settings, Failure> {
    let settings = read(global, Settings::from_sources).await?;
    // With --json, stderr has the error only.
    if !global.json {
        for warning in &settings.warnings {
            warn!("{}: {} (hint: {})", warning.source, warning.message, warning.hint);
        }
    }
    Ok(settings)
}

/// A constructor of [`Settings`].
type Constructor = fn(&Sources<'_>) -> Result<Settings, Problems>;

/// Reads the settings of all sources.
///
/// # Errors
///
/// All problems at once: a file that cannot be read does not hide the problems of other sources.
pub(crate) async fn read(
    global: &GlobalArgs,
    constructor: Constructor,
) -> Result<Settings, Failure> {
    let file = match &global.config {
        Some(file) => Some(file.clone()),
        None => variable("KM_CONFIG")?.map(PathBuf::from),
    };
    with_timeout(move || read_blocking(file.as_deref(), constructor)).await
}

fn read_blocking(file: Option<&Path>, constructor: Constructor) -> Result<Settings, Failure> {
    let text = file.map(|file| read_text_blocking(file, CONFIG_HINT)).transpose();
    let name = file.map(|file| file.display().to_string());
    let yaml = text.as_ref().ok().and_then(Option::as_ref).zip(name.as_deref());
    let yaml = yaml.map(|(text, file)| Yaml::new(file, text).with_includes(&ConfigFiles));
    let settings = constructor(&Sources { env: &ProcessEnv, yaml, validator: &VaultValidator });
    let settings = settings.map_err(|problems| Error::from(problems).into());
    match text {
        Ok(_) => settings,
        Err(unreadable) => Err(settings.err().into_iter().fold(unreadable, Failure::and)),
    }
}

/// Returns a variable that is not in the settings table. An empty one counts as unset.
///
/// # Errors
///
/// `Settings` if the value is not UTF-8.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    let Some(value) = ProcessEnv.var(name) else {
        return Ok(None);
    };
    let value = value.into_string().map_err(|_| {
        let what = format!("settings: {name}: the value is not UTF-8");
        Failure::new(ErrorKind::Settings, what, "set it to UTF-8 text")
    })?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// Reads a settings file.
///
/// # Errors
///
/// `Settings`, with `hint`, if the file cannot be read, is larger than 1 MiB or is not UTF-8.
pub(crate) async fn read_text(
    path: &Path,
    hint: &'static str,
) -> Result<Zeroizing<String>, Failure> {
    let path = path.to_owned();
    with_timeout(move || read_text_blocking(&path, hint)).await
}

fn read_text_blocking(path: &Path, hint: &str) -> Result<Zeroizing<String>, Failure> {
    let failed = |why: &str| {
        let what = format!("settings: {}: {why}", path.display());
        Failure::new(ErrorKind::Settings, what, hint)
    };
    ConfigFiles.read(path, MAX_FILE_BYTES).map_err(|error| match error {
        IncludeError::TooLarge => failed("the file is larger than 1 MiB"),
        other => failed(&format!("cannot read the file: {other}")),
    })
}

/// Runs `read` on a blocking thread, for [`READ_TIMEOUT`] at most.
async fn with_timeout<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let task = tokio::task::spawn_blocking(read);
    let why = match tokio::time::timeout(READ_TIMEOUT, task).await {
        Ok(Ok(outcome)) => return outcome,
        Ok(Err(panicked)) => io::Error::other(panicked).to_string(),
        Err(_) => format!("timed out after {READ_TIMEOUT:?}"),
    };
    let what = format!("settings: cannot read the files: {why}");
    Err(Failure::new(ErrorKind::Settings, what, "check the file systems that hold them"))
}
