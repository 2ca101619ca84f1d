//! The access mode, hosted keys, the description and the fallback.

use std::collections::BTreeSet;

use crate::reader::{RawSetting, Reader};
use crate::source::yaml::keys::REFERENCE_PREFIX;
use crate::table::access::{ACCESS_MODE, DESCRIPTION, FALLBACK, HOSTED_KEYS, STORE_VIRTUAL_KEYS};
use crate::text::has_control;
use crate::values::access::AccessMode;
use crate::values::fallback::Fallback;

/// Returns the access mode and whether virtual keys are stored, which must agree.
pub(crate) fn mode_and_store(reader: &mut Reader<'_>) -> (AccessMode, bool) {
    let stored = reader.find_or_default(&STORE_VIRTUAL_KEYS);
    let store = stored.as_ref().and_then(|found| found.boolean(&mut reader.diagnostics));
    let stored = stored.filter(|_| store == Some(true));
    let mode = match (reader.find(&ACCESS_MODE), &stored) {
        (None, Some(stored)) => {
            let message = "`read_and_write` is assumed, because no access mode is set";
            let hint = "set `access_mode: read_and_write`";
            reader.diagnostics.warning(stored.source.clone(), message, hint);
            reader.record.derived(&ACCESS_MODE, AccessMode::ReadAndWrite.as_str());
            AccessMode::ReadAndWrite
        }
        (Some(found), stored) => {
            let mode = found.choice(&ACCESS_MODE, AccessMode::parse, &mut reader.diagnostics);
            if let (Some(AccessMode::ReadOnly), Some(_)) = (mode, stored) {
                reject_read_only(found, reader);
            }
            mode.unwrap_or(PLACEHOLDER)
        }
        (None, None) => RawSetting::default_of(&ACCESS_MODE)
            .and_then(|found| {
                found.choice(&ACCESS_MODE, AccessMode::parse, &mut reader.diagnostics)
            })
            .unwrap_or(PLACEHOLDER),
    };
    (mode, stored.is_some())
}

/// The result for an invalid mode, which has been reported.
const PLACEHOLDER: AccessMode = AccessMode::ReadOnly;

fn reject_read_only(found: RawSetting, reader: &mut Reader<'_>) {
    let message = "`read_only` contradicts `store_virtual_keys: true`";
    let hint = "set the mode to `read_and_write`, or do not store virtual keys";
    reader.diagnostics.problem(found.source, message, hint);
}

/// Returns the names that are read from Vault; `None` for all names.
pub(crate) fn hosted_keys(reader: &mut Reader<'_>) -> Option<BTreeSet<String>> {
    let found = reader.find_or_empty(&HOSTED_KEYS)?;
    let names = found.list(&mut reader.diagnostics)?;
    if names.is_empty() {
        let message = "empty list: no name is read from Vault";
        let hint = "remove it to read all names from Vault";
        reader.diagnostics.warning(found.source.clone(), message, hint);
    }
    let without_prefix = |name: String| match name.strip_prefix(REFERENCE_PREFIX) {
        Some(name) => name.to_owned(),
        None => name,
    };
    let names: BTreeSet<_> = names.into_iter().map(without_prefix).collect();
    if names.iter().any(|name| name.is_empty() || has_control(name)) {
        let message = "contains a name that is empty or has a control character";
        let hint = "list the names of secrets in Vault";
        reader.diagnostics.problem(found.source, message, hint);
    }
    Some(names)
}

/// Returns the text that is stored beside each value.
pub(crate) fn description(reader: &mut Reader<'_>) -> Option<String> {
    let found = reader.find(&DESCRIPTION)?;
    found.text(&mut reader.diagnostics).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns the fallback, and whether it is set explicitly.
pub(crate) fn fallback(reader: &mut Reader<'_>) -> (Fallback, bool) {
    let explicit = reader.find(&FALLBACK);
    let is_explicit = explicit.is_some();
    let fallback = explicit
        .or_else(|| RawSetting::default_of(&FALLBACK))
        .and_then(|found| found.choice(&FALLBACK, Fallback::parse, &mut reader.diagnostics));
    // An invalid fallback has been reported.
    (fallback.unwrap_or(Fallback::Never), is_explicit)
}
