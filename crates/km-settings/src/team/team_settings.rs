//! The settings of a team.

/// A team's `secret_manager_settings`, normalized and validated.
///
/// They apply to the team's virtual keys, but never to provider keys or to the login.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamSettings {
    pub(super) namespace: Override,
    pub(super) mount: Override,
    pub(super) path_prefix: Override,
    pub(super) data: Override,
}

/// How a team overrides a part of the global location.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Override {
    /// Absent or null: the global part applies.
    #[default]
    Inherit,
    /// Empty: the part is omitted or, if it is required, has its default.
    Reset,
    /// A normalized value.
    Set(String),
}

impl Override {
    /// Returns the part of the team's location.
    pub(super) fn apply(&self, global: Option<&String>) -> Option<String> {
        match self {
            Self::Inherit => global.cloned(),
            Self::Reset => None,
            Self::Set(text) => Some(text.clone()),
        }
    }
}
