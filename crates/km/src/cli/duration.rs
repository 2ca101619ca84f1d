//! Values of options that are durations.

use std::time::Duration;

use super::invalid::InvalidValue;

/// Parses a duration, like those of the settings.
///
/// # Errors
///
/// That it is not a duration, or longer than ten years.
pub(crate) fn duration(text: &str) -> Result<Duration, InvalidValue> {
    km_settings::parse_duration(text)
        .map_err(|_| InvalidValue("expected a duration such as 500ms, 5s or 1h"))
}
