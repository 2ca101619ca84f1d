//! From the environment and the configuration to a key manager.
//!
//! Files are read on a thread for blocking work and for a limited time, so that a signal ends the
//! command even if the file system hangs.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use km_proxy_adapter::{ConfigFiles, Error, ErrorKind, KeyManager, VaultValidator};
use km_settings::{
    Env, IncludeError, Includes as _, Problems, ProcessEnv, Settings, Sources, Yaml,
};
use tracing::warn;
use zeroize::Zeroizing;

use crate::args::Common;
use crate::failure::Failure;
use crate::signals;

/// The size of a file of settings: 1 MiB.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The time for reading all files that the settings name. Local files take milliseconds.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

const CONFIG_HINT: &str = "--config (KM_CONFIG) names LiteLLM's config.yaml";

/// The key manager of a command, which asks for no more than it needs.
pub(crate) async fn connect(common: &Common) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect_once(with_warnings(common).await?, ProcessEnv)?;
    signals::uses(&keys);
    Ok(keys)
}

/// The key manager of a process that lives on.
pub(crate) async fn connect_long(common: &Common) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect(with_warnings(common).await?).await?;
    signals::uses(&keys);
    Ok(keys)
}

/// The key manager of the sidecar, which answers other processes.
pub(crate) async fn connect_server(common: &Common) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect(with_warnings(common).await?.for_server()).await?;
    if keys.settings().virtual_keys.store {
        // A folder that virtual keys may not be in ends the start, not the first request.
        keys.virtual_keys(None)?;
    }
    signals::uses(&keys);
    Ok(keys)
}

/// The settings, after their warnings were logged.
async fn with_warnings(common: &Common) -> Result<Settings, Failure> {
    let settings = read(common, Settings::from_sources).await?;
    // The JSON output of a command is one document; there, `km check` reports the warnings.
    if !common.json {
        for warning in &settings.warnings {
            warn!("{}: {} (hint: {})", warning.source, warning.message, warning.hint);
        }
    }
    Ok(settings)
}

/// Makes settings of the sources of this process.
type Make = fn(&Sources<'_>) -> Result<Settings, Problems>;

/// The settings of all sources. A file that cannot be read does not hide what else is wrong.
pub(crate) async fn read(common: &Common, make: Make) -> Result<Settings, Failure> {
    let file = match &common.config {
        Some(file) => Some(file.clone()),
        None => variable("KM_CONFIG")?.map(PathBuf::from),
    };
    blocking(move || read_blocking(file.as_deref(), make)).await
}

fn read_blocking(file: Option<&Path>, make: Make) -> Result<Settings, Failure> {
    let text = file.map(|file| text_blocking(file, CONFIG_HINT)).transpose();
    let name = file.map(|file| file.display().to_string());
    let yaml = text.as_ref().ok().and_then(Option::as_ref).zip(name.as_deref());
    let yaml = yaml.map(|(text, file)| Yaml::new(file, text).with_includes(&ConfigFiles));
    let settings = make(&Sources { env: &ProcessEnv, yaml, validator: &VaultValidator });
    let settings = settings.map_err(|problems| Error::from(problems).into());
    match text {
        Ok(_) => settings,
        Err(unreadable) => Err(settings.err().into_iter().fold(unreadable, Failure::and)),
    }
}

/// A variable of the command line's own, if it is set to something.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    let Some(value) = ProcessEnv.var(name) else {
        return Ok(None);
    };
    let value = value.into_string().map_err(|_| {
        let what = format!("settings: {name}: the value is not UTF-8");
        Failure::new(ErrorKind::Settings, what, "set it to text in UTF-8")
    })?;
    Ok(Some(value).filter(|value| !value.is_empty()))
}

/// The text of a file of settings.
pub(crate) async fn text(path: &Path, hint: &'static str) -> Result<Zeroizing<String>, Failure> {
    let path = path.to_owned();
    blocking(move || text_blocking(&path, hint)).await
}

fn text_blocking(path: &Path, hint: &str) -> Result<Zeroizing<String>, Failure> {
    let failed = |why: &str| {
        let what = format!("settings: {}: {why}", path.display());
        Failure::new(ErrorKind::Settings, what, hint)
    };
    ConfigFiles.read(path, MAX_FILE_BYTES).map_err(|error| match error {
        IncludeError::TooLarge => failed("the file is larger than 1 MiB"),
        other => failed(&format!("cannot read the file: {other}")),
    })
}

/// Runs work that reads files, for a limited time.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let task = tokio::task::spawn_blocking(work);
    let error = match tokio::time::timeout(READ_TIMEOUT, task).await {
        Ok(Ok(done)) => return done,
        Ok(Err(lost)) => io::Error::other(lost),
        Err(late) => late.into(),
    };
    let what = format!("settings: cannot read the files: {error}");
    Err(Failure::new(ErrorKind::Settings, what, "check the file systems that the settings name"))
}
