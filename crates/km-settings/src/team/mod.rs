//! What a team says about where its virtual keys live.

mod json;
mod object;
mod overlay;
pub(crate) mod pattern;
pub(crate) mod permission;

pub use overlay::OverlayError;

/// A team's `secret_manager_settings`, cleaned and accepted by the rules.
///
/// They apply to the virtual keys of the team: never to provider keys, never to the login.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamSettings {
    namespace: Said,
    mount: Said,
    path_prefix: Said,
    data: Said,
}

/// What a team says about one part of a location.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Said {
    /// Nothing, or null: the global part counts.
    #[default]
    Nothing,
    /// Empty: the part is left out, or is what it is in a Vault that nobody has set up.
    Empty,
    /// This, cleaned.
    Text(String),
}
