//! The folder of the virtual keys of one location, and the aliases that belong to it. Pure.
//!
//! The locations of all teams are never known at once. So each alias is checked on its own: it is
//! rejected if another location could use the same path (`docs/adr/0012-tenants.md`).

use km_settings::{Location, OverlayError, Settings, TeamSettings};
use vault_http::PathError;
use vault_kv::{Mount, SecretPath};

use super::alias::KeyAlias;
use crate::connect::mounts::mount;
use crate::error::{Error, ErrorKind, Problem, convert};
use crate::name::is_within;
use crate::ownership;

/// The folder of one location's virtual keys: `{mount}/data/[{path_prefix}/][{key prefix}/]`.
#[derive(Debug, Clone)]
pub(crate) struct KeyFolder {
    pub(crate) mount: Mount,
    /// The path prefix and the key prefix. `None` is the root of the mount.
    pub(crate) path: Option<SecretPath>,
    /// The prefix of all virtual keys.
    key_prefix: Option<String>,
    /// The field that stores the value.
    pub(crate) field: String,
    /// The global path prefix, if this folder is in the global mount and not below that prefix.
    reserved: Option<String>,
    /// The paths in this folder that the configuration references or hosts as provider secrets.
    configured: Vec<String>,
}

impl KeyFolder {
    /// Returns the folder of a team's keys, or that of the global location.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for invalid team settings and for a folder that contains the
    /// provider secrets, [`ErrorKind::Denied`] for a location that the team may not use.
    pub(crate) fn new(settings: &Settings, team: Option<&TeamSettings>) -> Result<Self, Error> {
        let location = match team {
            Some(team) => team.overlay(settings).map_err(overlay_error)?,
            None => settings.location.clone(),
        };
        let folder = Self::at(settings, location)?;
        let keys = &settings.virtual_keys;
        if folder.may_hold_provider_secrets(settings)? && !keys.danger_shared_folder {
            return Err(shared_folder());
        }
        Ok(folder)
    }

    /// Returns the folder of the global location, even if it contains the provider secrets.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for settings that [`Settings::from_sources`] did not return.
    pub(crate) fn of_gateway(settings: &Settings) -> Result<Self, Error> {
        Self::at(settings, settings.location.clone())
    }

    fn at(settings: &Settings, location: Location) -> Result<Self, Error> {
        let Location { namespace, mount: name, path_prefix, field, .. } = location;
        let mount = mount(namespace.as_deref(), &name)?;
        let is_global_mount = mount.full() == global_mount(settings)?.full();
        if !is_global_mount {
            check_mount(&mount)?;
        }
        let is_below =
            |outer: &String| path_prefix.as_ref().is_some_and(|own| is_within(own, outer));
        let global = settings.location.path_prefix.as_ref();
        let reserved = global.filter(|outer| is_global_mount && !is_below(outer)).cloned();
        let key_prefix = settings.virtual_keys.prefix.clone();
        let path = join_prefixes(path_prefix.as_deref(), key_prefix.as_deref())
            .map_err(|why| convert::invalid_path("path prefix of virtual keys", &why))?;
        let configured =
            if is_global_mount { configured_paths(settings, path.as_ref()) } else { Vec::new() };
        Ok(Self { mount, path, key_prefix, field, reserved, configured })
    }

    /// Returns whether an alias and the name of a provider secret can be the same path: no key
    /// prefix separates them, and the folder is below the global path prefix.
    fn may_hold_provider_secrets(&self, settings: &Settings) -> Result<bool, Error> {
        let is_global_mount = self.mount.full() == global_mount(settings)?.full();
        Ok(is_global_mount && settings.virtual_keys.shares_folder() && self.reserved.is_none())
    }

    /// Returns the path of a key.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for an alias whose path could be another location's key,
    /// [`ErrorKind::Denied`] for a path among the provider secrets.
    pub(crate) fn path(&self, alias: &KeyAlias) -> Result<SecretPath, Error> {
        if !self.owns(alias.as_str()) {
            return Err(self.ambiguous_alias(alias));
        }
        let path = match &self.path {
            Some(folder) => folder.join_path(alias.path()),
            None => alias.path().clone(),
        };
        self.check_provider_secrets(alias, &path.decoded())?;
        Ok(path)
    }

    fn check_provider_secrets(&self, alias: &KeyAlias, path: &str) -> Result<(), Error> {
        let denied = |why: &str, hint| {
            let what = format!("the key `{alias}`: permission denied: {why}");
            Err(Error::new(ErrorKind::Denied, what).with_hint(hint))
        };
        if let Some(reserved) = self.reserved.as_ref().filter(|outer| is_within(path, outer)) {
            let why = format!("its path is among the global secrets, below {reserved}/");
            return denied(&why, "give the team a `path_prefix` of its own");
        }
        if self.configured.iter().any(|configured| configured == path) {
            return denied(
                "its path is that of a provider secret in the configuration",
                "use another alias, or set prefix_for_stored_virtual_keys",
            );
        }
        Ok(())
    }

    /// Returns LiteLLM's name of a key: the prefix of all keys, a slash and the alias. The slash is
    /// there without a prefix too.
    pub(crate) fn name(&self, alias: &KeyAlias) -> String {
        format!("{}/{alias}", self.key_prefix.as_deref().unwrap_or_default())
    }

    /// Returns whether a key with this alias belongs to this location, whatever other locations
    /// there are.
    ///
    /// The prefix of all keys may occur only at the start of the key's name. If it occurred again,
    /// the path would also belong to a location whose path prefix ends there.
    pub(crate) fn owns(&self, alias: &str) -> bool {
        let prefix: Vec<_> = self.key_prefix.iter().flat_map(|prefix| prefix.split('/')).collect();
        let name: Vec<_> = prefix.iter().copied().chain(alias.split('/')).collect();
        let mut tails = (1..name.len()).filter_map(|from| name.get(from..));
        !tails.any(|tail| tail.len() > prefix.len() && tail.starts_with(&prefix))
    }

    /// Returns whether the subfolder `folder` may contain keys of this location.
    pub(crate) fn may_contain_keys(&self, folder: &str) -> bool {
        self.owns(&format!("{folder}/key"))
    }

    fn ambiguous_alias(&self, alias: &KeyAlias) -> Error {
        let (what, hint) = match &self.key_prefix {
            Some(prefix) => (
                format!("contains the prefix of virtual keys, {prefix}/"),
                "omit the prefix, which is added to every alias",
            ),
            None => (
                "contains a slash, which requires a prefix of virtual keys to separate teams"
                    .to_owned(),
                "use a single segment, or set prefix_for_stored_virtual_keys",
            ),
        };
        Error::new(ErrorKind::Usage, format!("the alias `{alias}` {what}")).with_hint(hint)
    }
}

/// Checks that a mount is that of a secrets engine and that no URL below it can be below another
/// mount.
fn check_mount(mount: &Mount) -> Result<(), Error> {
    let full = mount.full().decoded();
    let what = match full.split('/').collect::<Vec<_>>().as_slice() {
        ["sys" | "auth", ..] => "no secrets engine can be mounted below `sys` or `auth`",
        [_, rest @ ..] if rest.iter().any(|part| matches!(*part, "data" | "metadata")) => {
            "a segment `data` or `metadata` makes paths ambiguous with those of another mount"
        }
        _ => return Ok(()),
    };
    Err(Error::settings([Problem {
        source: "team settings: mount".to_owned(),
        message: format!("`{full}`: {what}"),
        hint: "name the namespace and the mount as `vault secrets list` does".to_owned(),
    }]))
}

/// Returns the mount of the provider secrets.
fn global_mount(settings: &Settings) -> Result<Mount, Error> {
    mount(settings.location.namespace.as_deref(), &settings.location.mount)
}

/// Returns the paths of the configured provider secrets in `folder`.
fn configured_paths(settings: &Settings, folder: Option<&SecretPath>) -> Vec<String> {
    let outer = settings.location.path_prefix.as_deref();
    let folder = folder.map(SecretPath::decoded);
    ownership::configured_names(settings)
        .map(|name| outer.map_or_else(|| name.to_owned(), |outer| format!("{outer}/{name}")))
        .filter(|path| folder.as_deref().is_none_or(|folder| is_within(path, folder)))
        .collect()
}

fn shared_folder() -> Error {
    Error::settings([Problem {
        source: "prefix_for_stored_virtual_keys".to_owned(),
        message: "is empty: virtual keys would be stored among the provider secrets".to_owned(),
        hint: "set a prefix such as `litellm/` (KM_PREFIX_FOR_STORED_VIRTUAL_KEYS), or allow it \
               with KM_DANGER_SHARED_KEY_FOLDER"
            .to_owned(),
    }])
}

fn overlay_error(error: OverlayError) -> Error {
    match error {
        OverlayError::Contradiction(problems) => problems.into(),
        error => Error::new(ErrorKind::Denied, error.to_string())
            .with_hint("allow it in KM_ALLOWED_TEAM_LOCATIONS, or change the team's settings"),
    }
}

/// Joins two optional prefixes to a path.
fn join_prefixes(
    outer: Option<&str>,
    inner: Option<&str>,
) -> Result<Option<SecretPath>, PathError> {
    Ok(match (outer, inner) {
        (Some(outer), Some(inner)) => Some(SecretPath::new(outer)?.join(inner)?),
        (Some(only), None) | (None, Some(only)) => Some(SecretPath::new(only)?),
        (None, None) => None,
    })
}

#[cfg(test)]
mod tests;
