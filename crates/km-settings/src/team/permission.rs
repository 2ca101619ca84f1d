//! The locations that team settings may name.

use super::pattern::mount_segments;
use crate::settings::Settings;

impl Settings {
    /// Returns whether team settings may name this location. Without patterns, all locations are
    /// allowed, as in LiteLLM.
    ///
    /// In the global mount, and in a mount that a pattern with a prefix names, only patterns with a
    /// prefix apply, because such a mount contains provider secrets or the keys of several teams.
    pub fn allows_team_location(
        &self,
        namespace: Option<&str>,
        mount: &str,
        path_prefix: Option<&str>,
    ) -> bool {
        let Some(patterns) = &self.allowed_team_locations else {
            return true;
        };
        let global = &self.location;
        let of_mount: Vec<_> =
            patterns.iter().filter(|pattern| pattern.matches_mount(namespace, mount)).collect();
        let needs_prefix = mount_segments(namespace, mount)
            == mount_segments(global.namespace.as_deref(), &global.mount)
            || of_mount.iter().any(|pattern| pattern.prefix().is_some());
        let mut allowed = of_mount.iter().map(|pattern| pattern.matches_prefix(path_prefix));
        allowed.any(|matches| matches.unwrap_or(!needs_prefix))
    }
}
