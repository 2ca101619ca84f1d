//! The `km` process itself.

use super::section::Section::Process;
use super::setting::Setting;
use super::value_type::ValueType::Boolean;

pub(crate) const DANGER_DEBUGGABLE: Setting = Setting::new(
    Process,
    "KM_DANGER_DEBUGGABLE",
    Boolean,
    "allow core dumps and debuggers, which can read every secret in memory; environment only",
)
.default("false");
