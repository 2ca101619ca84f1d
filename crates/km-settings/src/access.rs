//! What is read, what is written and who else is asked.

use std::collections::BTreeSet;

use crate::problem::Origin;
use crate::reader::Reader;
use crate::text::has_control;
use crate::yaml::PREFIX;

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
}

/// When the process environment is asked for a name that was looked up in Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fallback {
    /// Never.
    Never,
    /// When Vault certainly does not have it.
    OnMissing,
    /// Also when Vault could not be asked, or refused: what LiteLLM does.
    OnError,
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
    (mode, VirtualKeys { store, prefix: prefix(reader) })
}

enum Mode {
    Unset,
    Refused,
    Set(AccessMode, Origin),
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

fn prefix(reader: &mut Reader<'_>) -> Option<String> {
    match reader.own_or_empty("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS") {
        None => Some(VIRTUAL_KEYS.to_owned()),
        found => reader.path(found),
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

/// When the environment is asked.
pub(crate) fn fallback(reader: &mut Reader<'_>) -> Fallback {
    let words = [
        ("never", Fallback::Never),
        ("on_missing", Fallback::OnMissing),
        ("on_error", Fallback::OnError),
    ];
    reader
        .own("KM_FALLBACK")
        .and_then(|found| found.word(&words, &mut reader.notes))
        .unwrap_or(Fallback::OnMissing)
}
