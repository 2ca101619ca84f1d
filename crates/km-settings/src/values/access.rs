//! What is read from Vault and written to it.

use std::collections::BTreeSet;

use crate::problem::SettingSource;
use crate::reader::Reader;
use crate::source::yaml::PREFIX;
use crate::text::has_control;

/// LiteLLM's default prefix, `litellm/`, cleaned.
const VIRTUAL_KEYS: &str = "litellm";

/// Whether Vault is read, written or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccessMode {
    /// Reads go to Vault, writes are refused.
    ReadOnly,
    /// Writes go to Vault, reads to the environment.
    WriteOnly,
    /// Both go to Vault.
    ReadAndWrite,
}

impl AccessMode {
    /// Whether a name is looked up in Vault.
    pub fn reads(self) -> bool {
        matches!(self, Self::ReadOnly | Self::ReadAndWrite)
    }

    /// Whether Vault may be written.
    pub fn writes(self) -> bool {
        matches!(self, Self::WriteOnly | Self::ReadAndWrite)
    }
}

/// What happens to the keys that the gateway hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct VirtualKeys {
    /// Whether they are stored in Vault.
    pub store: bool,
    /// What stands before a key's alias, cleaned and accepted by the rules; `None` is nothing.
    pub prefix: Option<String>,
    /// Whether virtual keys may be stored in the folder of the provider secrets, where an alias
    /// and the name of a provider secret can be the same path.
    pub danger_shared_folder: bool,
}

impl VirtualKeys {
    /// Whether the gateway's own keys and the provider secrets are in one folder.
    pub fn shares_folder(&self) -> bool {
        self.prefix.is_none()
    }
}

/// Mode and virtual keys, which have to agree.
pub(crate) fn read(reader: &mut Reader<'_>) -> (AccessMode, VirtualKeys) {
    let stored = reader.own("KM_STORE_VIRTUAL_KEYS");
    let store = stored.as_ref().and_then(|found| found.boolean(&mut reader.notes)).unwrap_or(false);
    let mode = match (mode(reader), stored) {
        (Mode::Unset, Some(stored)) if store => {
            let what = "without an access mode is taken as `read_and_write`";
            reader.notes.warning(stored.source, what, "set `access_mode: read_and_write`");
            AccessMode::ReadAndWrite
        }
        (Mode::Set(AccessMode::ReadOnly, source), Some(_)) if store => {
            let what = "`read_only` and `store_virtual_keys: true` contradict each other";
            let hint = "set the mode to `read_and_write`, or store no keys";
            reader.notes.problem(source, what, hint);
            AccessMode::ReadOnly
        }
        (Mode::Set(mode, _), _) => mode,
        (Mode::Unset | Mode::Refused, _) => AccessMode::ReadOnly,
    };
    (mode, virtual_keys(reader, store))
}

fn virtual_keys(reader: &mut Reader<'_>, store: bool) -> VirtualKeys {
    const PREFIX: &str = "KM_PREFIX_FOR_STORED_VIRTUAL_KEYS";
    let found = reader.own_or_empty(PREFIX);
    let source = found.as_ref().map(|found| found.source.clone());
    let problems = reader.notes.count();
    let prefix = match found {
        None => Some(VIRTUAL_KEYS.to_owned()),
        found => reader.path(found),
    };
    let danger_shared_folder = reader
        .own("KM_DANGER_SHARED_KEY_FOLDER")
        .and_then(|found| found.boolean(&mut reader.notes))
        .unwrap_or(false);
    let keys = VirtualKeys { store, prefix, danger_shared_folder };
    if let Some(source) = source
        && keys.shares_folder()
        && !keys.danger_shared_folder
        && reader.notes.count() == problems
    {
        let what = "is empty: virtual keys would be stored among the provider secrets";
        let hint = "set a prefix such as `litellm/`; `km key` and storing keys refuse this";
        reader.notes.warning(source, what, hint);
    }
    keys
}

enum Mode {
    Unset,
    Refused,
    Set(AccessMode, SettingSource),
}

fn mode(reader: &mut Reader<'_>) -> Mode {
    let words = [
        ("read_only", AccessMode::ReadOnly),
        ("write_only", AccessMode::WriteOnly),
        ("read_and_write", AccessMode::ReadAndWrite),
    ];
    let Some(found) = reader.own("KM_ACCESS_MODE") else {
        return Mode::Unset;
    };
    match found.word(&words, &mut reader.notes) {
        Some(mode) => Mode::Set(mode, found.source),
        None => Mode::Refused,
    }
}

/// The only names that Vault is asked for; `None` is all.
pub(crate) fn hosted_keys(reader: &mut Reader<'_>) -> Option<BTreeSet<String>> {
    let found = reader.own_or_empty("KM_HOSTED_KEYS")?;
    let names = found.list(&mut reader.notes)?;
    if names.is_empty() {
        let what = "is empty: Vault is asked for no name";
        reader.notes.warning(found.source.clone(), what, "remove it to ask for all names");
    }
    let names: BTreeSet<_> =
        names.iter().map(|name| name.strip_prefix(PREFIX).unwrap_or(name).to_owned()).collect();
    if names.iter().any(|name| name.is_empty() || has_control(name)) {
        let what = "holds a name that is empty or has a control character";
        reader.notes.problem(found.source, what, "list the names as they stand in Vault");
    }
    Some(names)
}

/// Text that is written beside each value.
pub(crate) fn description(reader: &mut Reader<'_>) -> Option<String> {
    let found = reader.own("KM_DESCRIPTION")?;
    found.text(&mut reader.notes).filter(|text| !text.is_empty()).map(str::to_owned)
}
