//! A team's settings laid over the global ones.

use super::{Said, TeamSettings};
use crate::diagnostics::Notes;
use crate::problem::{Problems, SettingSource};
use crate::settings::Settings;
use crate::text::shown;
use crate::values::location::{FIELD, Location, MOUNT};

/// Why a team's virtual keys can't be kept where its settings say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OverlayError {
    /// The settings of the team and the global ones contradict each other.
    #[error(transparent)]
    Contradiction(#[from] Problems),
    /// The place is not among `KM_ALLOWED_TEAM_LOCATIONS`.
    #[error("team settings name a place that is not allowed: {}", place(.0))]
    NotAllowed(Box<Location>),
}

/// A place as `KM_ALLOWED_TEAM_LOCATIONS` would have it.
fn place(location: &Location) -> String {
    let Location { namespace, mount, path_prefix, .. } = location;
    let prefix = path_prefix.as_ref().map_or_else(String::new, |prefix| format!(":{prefix}"));
    shown(&format!("{}/{mount}{prefix}", namespace.as_deref().unwrap_or_default()))
}

impl TeamSettings {
    /// Where the team's virtual keys live.
    ///
    /// A team that names neither a namespace nor a mount nor a path prefix shares the gateway's own
    /// location, which is allowed whatever `KM_ALLOWED_TEAM_LOCATIONS` says.
    ///
    /// # Errors
    ///
    /// [`OverlayError::Contradiction`] has to be mended by whoever wrote the settings.
    /// [`OverlayError::NotAllowed`] is a refusal: the team has no right to that place.
    pub fn overlay(&self, settings: &Settings) -> Result<Location, OverlayError> {
        let global = &settings.location;
        let location = Location {
            namespace: self.namespace.over(global.namespace.as_ref()),
            mount: self.mount.over(Some(&global.mount)).unwrap_or_else(|| MOUNT.to_owned()),
            path_prefix: self.path_prefix.over(global.path_prefix.as_ref()),
            field: self.data.over(None).unwrap_or_else(|| FIELD.to_owned()),
        };
        check_description(&location, settings)?;
        let Location { namespace, mount, path_prefix, .. } = &location;
        let (namespace, path_prefix) = (namespace.as_deref(), path_prefix.as_deref());
        if self.names_a_place() && !settings.allows_team_location(namespace, mount, path_prefix) {
            return Err(OverlayError::NotAllowed(Box::new(location)));
        }
        Ok(location)
    }

    fn names_a_place(&self) -> bool {
        [&self.namespace, &self.mount, &self.path_prefix].iter().any(|said| **said != Said::Nothing)
    }
}

/// One field can't hold both the value and its description.
fn check_description(location: &Location, settings: &Settings) -> Result<(), Problems> {
    let mut notes = Notes::default();
    if location.field == Location::DESCRIPTION && settings.description.is_some() {
        let what =
            format!("{} is also the field of the global description", shown(Location::DESCRIPTION));
        let source = SettingSource::Team { path: "data".to_owned() };
        notes.problem(source, what, "use another field, or drop the global description");
    }
    notes.finish().map(|_| ())
}

impl Said {
    /// The part of the location, with `global` where nothing is said.
    fn over(&self, global: Option<&String>) -> Option<String> {
        match self {
            Self::Nothing => global.cloned(),
            Self::Empty => None,
            Self::Text(text) => Some(text.clone()),
        }
    }
}
