//! Whether the process may be debugged.
//!
//! The program decides this before it reads any other setting, so that nothing is in memory by then.
//! It therefore comes from the environment only.

use crate::reader::Reader;
use crate::source::env::Env;
use crate::text::truth;

const DANGER_DEBUGGABLE: &str = "KM_DANGER_DEBUGGABLE";

/// Returns whether `KM_DANGER_DEBUGGABLE` allows core files and debuggers.
///
/// A value that is not a boolean does not allow them. [`Settings::from_sources`] reports it.
///
/// [`Settings::from_sources`]: crate::Settings::from_sources
pub fn is_debuggable(env: &impl Env) -> bool {
    let value = env.var(DANGER_DEBUGGABLE).and_then(|value| value.into_string().ok());
    value.as_deref().and_then(truth).unwrap_or(false)
}

/// Reports a value that is not a boolean.
pub(crate) fn check(reader: &mut Reader<'_>) {
    if let Some(found) = reader.variable(DANGER_DEBUGGABLE) {
        let _ = found.boolean(&mut reader.notes);
    }
}
