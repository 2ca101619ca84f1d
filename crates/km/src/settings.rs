//! From the environment and the file to a key manager.

use std::io::Read;
use std::path::{Path, PathBuf};

use km_proxy_adapter::{Error, KeyManager, Kind, VaultRules};
use km_settings::{Env, ProcessEnv, Settings, Sources, Yaml};
use tracing::warn;

use crate::args::Common;
use crate::failure::Failure;
use crate::signals;

/// More than the settings take; they say so.
const MAX_FILE_BYTES: u64 = 1024 * 1024 + 1;

/// The key manager of a command, which asks for no more than it needs.
pub(crate) fn connect(common: &Common) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect_once(told(common)?, ProcessEnv)?;
    signals::uses(&keys);
    Ok(keys)
}

/// The key manager of a process that lives on.
pub(crate) async fn connect_long(common: &Common) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect(told(common)?).await?;
    signals::uses(&keys);
    Ok(keys)
}

/// The key manager of the sidecar, which answers other processes.
pub(crate) async fn connect_server(common: &Common) -> Result<KeyManager, Failure> {
    let keys = KeyManager::connect(told(common)?.for_server()).await?;
    if keys.settings().virtual_keys.store {
        // A folder that virtual keys may not be in ends the start, not the first request.
        keys.virtual_keys(None)?;
    }
    signals::uses(&keys);
    Ok(keys)
}

/// The settings, with their warnings told.
fn told(common: &Common) -> Result<Settings, Failure> {
    let settings = read(common)?;
    // The JSON output of a command is one document; there, `km check` tells the warnings.
    if !common.json {
        for warning in &settings.warnings {
            warn!("{}: {} (hint: {})", warning.source, warning.what, warning.hint);
        }
    }
    Ok(settings)
}

/// The settings of all sources. A file that can't be read does not hide what else is wrong.
pub(crate) fn read(common: &Common) -> Result<Settings, Failure> {
    let file = common.config.clone().or_else(|| variable("KM_CONFIG").map(PathBuf::from));
    let hint = "--config (KM_CONFIG) names LiteLLM's config.yaml";
    let text = file.as_deref().map(|file| text(file, hint)).transpose();
    let name = file.as_deref().map(|file| file.display().to_string());
    let yaml = text.as_ref().ok().and_then(Option::as_deref).zip(name.as_deref());
    let yaml = yaml.map(|(text, file)| Yaml { file, text });
    let sources = Sources { env: &ProcessEnv, yaml, rules: &VaultRules };
    let settings =
        Settings::from_sources(&sources).map_err(|problems| Error::from(problems).into());
    match text {
        Ok(_) => settings,
        Err(unreadable) => Err(settings.err().into_iter().fold(unreadable, Failure::and)),
    }
}

/// A variable of the command line's own, if it is set to something.
pub(crate) fn variable(name: &str) -> Option<String> {
    ProcessEnv.var(name)?.into_string().ok().filter(|value| !value.is_empty())
}

/// What a file of settings holds.
pub(crate) fn text(path: &Path, hint: &str) -> Result<String, Failure> {
    let shown = path.display();
    let failed =
        |why: String| Failure::new(Kind::Settings, format!("settings: {shown}: {why}"), hint);
    let file =
        std::fs::File::open(path).map_err(|e| failed(format!("the file can't be read: {e}")))?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE_BYTES).read_to_end(&mut bytes);
    read.map_err(|error| failed(format!("the file can't be read: {error}")))?;
    String::from_utf8(bytes).map_err(|_| failed("the file is not UTF-8".to_owned()))
}
