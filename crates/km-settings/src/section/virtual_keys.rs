//! Virtual keys.

use crate::problem::SettingSource;
use crate::reader::{RawSetting, Reader};
use crate::table::access::{DANGER_SHARED_KEY_FOLDER, VIRTUAL_KEY_PREFIX};
use crate::values::access::VirtualKeys;

pub(crate) fn read(store: bool, reader: &mut Reader<'_>) -> VirtualKeys {
    let found = reader.find_or_empty(&VIRTUAL_KEY_PREFIX);
    let explicit = found.as_ref().map(|found| found.source.clone());
    let problems = reader.diagnostics.problem_count();
    let found = found.or_else(|| RawSetting::default_of(&VIRTUAL_KEY_PREFIX));
    let prefix = reader.parse_path(found);
    let danger_shared_folder = reader.boolean(&DANGER_SHARED_KEY_FOLDER);
    let keys = VirtualKeys { store, prefix, danger_shared_folder };
    if let Some(source) = explicit
        && keys.shares_folder()
        && !keys.danger_shared_folder
        && reader.diagnostics.problem_count() == problems
    {
        warn_of_shared_folder(source, reader);
    }
    keys
}

fn warn_of_shared_folder(source: SettingSource, reader: &mut Reader<'_>) {
    let message = "empty prefix: virtual keys would be stored among the provider secrets";
    let hint = "set a prefix such as `litellm/`; without one, virtual keys are rejected";
    reader.diagnostics.warning(source, message, hint);
}
