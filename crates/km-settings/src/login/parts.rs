//! The settings of a login method that are present or missing.

use std::path::PathBuf;

use crate::reader::Reader;
use crate::table::Setting;

/// The settings of a login method. The strings are names of settings, never values.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) present: Vec<&'static str>,
    pub(super) missing: Vec<&'static str>,
    /// Missing settings that are optional if `KM_AUTH_METHOD` names the method.
    pub(super) optional: Vec<&'static str>,
}

impl Parts {
    /// Reads a setting and records whether it is present.
    ///
    /// An invalid setting counts as present, because it has been reported already.
    pub(super) fn require<T>(
        &mut self,
        setting: &Setting,
        reader: &mut Reader<'_>,
        read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Option<T> {
        let (value, is_present) = read_part(reader, read);
        if is_present { &mut self.present } else { &mut self.missing }.push(setting.name);
        value
    }

    /// Like [`require`](Self::require), for a setting that is optional if `KM_AUTH_METHOD` names
    /// the method. Otherwise its absence is probably a mistake.
    pub(super) fn require_unless_named<T>(
        &mut self,
        setting: &Setting,
        reader: &mut Reader<'_>,
        read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Option<T> {
        let (value, is_present) = read_part(reader, read);
        if is_present { &mut self.present } else { &mut self.optional }.push(setting.name);
        value
    }

    /// Reads a required path.
    pub(super) fn path(&mut self, setting: &Setting, reader: &mut Reader<'_>) -> Option<String> {
        self.require(setting, reader, |reader| reader.path(setting))
    }

    /// Reads a required file name.
    pub(super) fn file(&mut self, setting: &Setting, reader: &mut Reader<'_>) -> Option<PathBuf> {
        self.require(setting, reader, |reader| reader.file(setting))
    }

    /// Makes an optional setting that is missing a required one.
    pub(super) fn make_required(&mut self, setting: &Setting) {
        self.optional.retain(|name| *name != setting.name);
        self.missing.push(setting.name);
    }
}

/// Reads a setting. Returns its value, and whether it is set, valid or not.
fn read_part<T>(
    reader: &mut Reader<'_>,
    read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
) -> (Option<T>, bool) {
    let problems = reader.diagnostics.problem_count();
    let value = read(reader);
    let is_present = value.is_some() || reader.diagnostics.problem_count() > problems;
    (value, is_present)
}
