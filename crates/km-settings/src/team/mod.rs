//! The settings of a team, and the location of its virtual keys.

mod json;
mod object;
mod overlay;
mod pattern;
mod permission;
mod team_settings;

pub use overlay::OverlayError;
pub use pattern::LocationPattern;
pub use team_settings::TeamSettings;
