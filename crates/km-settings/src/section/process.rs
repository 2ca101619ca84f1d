//! Whether the process may be debugged.
//!
//! The program decides this before it reads any other setting, so that no secret is in memory yet.
//! Therefore the setting can only come from the environment.

use crate::reader::Reader;
use crate::source::env::Env;
use crate::table::process::DANGER_DEBUGGABLE;
use crate::text::parse_bool;

/// Returns whether `KM_DANGER_DEBUGGABLE` allows core dumps and debuggers.
///
/// A value that is not a boolean does not allow them. [`Settings::from_sources`] reports it.
///
/// [`Settings::from_sources`]: crate::Settings::from_sources
pub fn is_debuggable(env: &impl Env) -> bool {
    let value = env.var(DANGER_DEBUGGABLE.name).and_then(|value| value.into_string().ok());
    let text = value.filter(|text| !text.trim().is_empty());
    let text = text.as_deref().or(DANGER_DEBUGGABLE.default.text());
    text.and_then(parse_bool).unwrap_or_default()
}

/// Reports a value that is not a boolean.
pub(crate) fn check(reader: &mut Reader<'_>) {
    reader.boolean(&DANGER_DEBUGGABLE);
}
