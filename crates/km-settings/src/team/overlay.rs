//! The location of a team's virtual keys: the team's settings on top of the global ones.

use super::team_settings::{Override, TeamSettings};
use crate::diagnostics::Diagnostics;
use crate::problem::{Problems, SettingSource};
use crate::settings::Settings;
use crate::table::location::MOUNT_NAME;
use crate::text::quoted;
use crate::values::location::Location;

/// The reason why a team's virtual keys cannot be stored at the location that its settings name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverlayError {
    /// The team's settings contradict the global ones.
    #[error(transparent)]
    Contradiction(#[from] Problems),
    /// `KM_ALLOWED_TEAM_LOCATIONS` does not allow the location.
    #[error("permission denied: KM_ALLOWED_TEAM_LOCATIONS does not allow {}", pattern_of(.0))]
    NotAllowed(Box<Location>),
}

/// Formats a location like an entry of `KM_ALLOWED_TEAM_LOCATIONS`.
fn pattern_of(location: &Location) -> String {
    let Location { namespace, mount, path_prefix, .. } = location;
    let prefix = path_prefix.as_ref().map_or_else(String::new, |prefix| format!(":{prefix}"));
    quoted(&format!("{}/{mount}{prefix}", namespace.as_deref().unwrap_or_default()))
}

impl TeamSettings {
    /// Returns the location of the team's virtual keys.
    ///
    /// A team that names no namespace, mount or path prefix shares the global location, regardless
    /// of `KM_ALLOWED_TEAM_LOCATIONS`.
    ///
    /// # Errors
    ///
    /// - [`OverlayError::Contradiction`]: the author of the settings must fix them.
    /// - [`OverlayError::NotAllowed`]: the team has no permission for the location.
    pub fn overlay(&self, settings: &Settings) -> Result<Location, OverlayError> {
        let global = &settings.location;
        let default_mount = || MOUNT_NAME.default.text().unwrap_or_default().to_owned();
        let location = Location {
            namespace: self.namespace.apply(global.namespace.as_ref()),
            mount: self.mount.apply(Some(&global.mount)).unwrap_or_else(default_mount),
            path_prefix: self.path_prefix.apply(global.path_prefix.as_ref()),
            field: self.data.apply(None).unwrap_or_else(|| Location::VALUE.to_owned()),
        };
        check_description(&location, settings)?;
        let Location { namespace, mount, path_prefix, .. } = &location;
        let (namespace, path_prefix) = (namespace.as_deref(), path_prefix.as_deref());
        if self.names_location() && !settings.allows_team_location(namespace, mount, path_prefix) {
            return Err(OverlayError::NotAllowed(Box::new(location)));
        }
        Ok(location)
    }

    fn names_location(&self) -> bool {
        let parts = [&self.namespace, &self.mount, &self.path_prefix];
        parts.iter().any(|part| **part != Override::Inherit)
    }
}

/// Rejects a field that would contain both the value and the description.
fn check_description(location: &Location, settings: &Settings) -> Result<(), Problems> {
    let mut diagnostics = Diagnostics::default();
    if location.field == Location::DESCRIPTION && settings.description.is_some() {
        let field = quoted(Location::DESCRIPTION);
        let message = format!("{field} is also the field of the global description");
        let source = SettingSource::Team { path: "data".to_owned() };
        let hint = "use another field, or remove the global description";
        diagnostics.problem(source, message, hint);
    }
    diagnostics.finish().map(|_| ())
}
