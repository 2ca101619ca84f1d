//! Where the virtual keys of one location are, and which names belong to it: pure policy.
//!
//! Nobody knows the locations of all teams, so each name is judged by itself: it may not lead where
//! another location's keys could be (`docs/adr/0012-tenants.md`).

use km_settings::{Location, OverlayError, Settings, TeamSettings};
use vault_http::PathError;
use vault_kv::{Mount, SecretPath};

use super::KeyAlias;
use crate::connect::bad_path;
use crate::error::{Error, ErrorKind, Problem};
use crate::key_manager::mount;
use crate::name::{is_within, unusable};
use crate::ownership;

/// The folder of one location's virtual keys: `{mount}/data/[{path_prefix}/][{key prefix}/]`.
#[derive(Debug, Clone)]
pub(crate) struct KeyFolder {
    pub(crate) mount: Mount,
    /// Path prefix and key prefix; `None` is the top of the mount.
    pub(crate) path: Option<SecretPath>,
    /// What stands before an alias in the name of a key.
    key_prefix: Option<String>,
    /// The field that holds the value.
    pub(crate) field: String,
    /// The global path prefix, where it is of the same mount and this folder is not below it.
    reserved: Option<String>,
    /// Paths in this folder that the configuration references or hosts as provider secrets.
    configured: Vec<String>,
}

impl KeyFolder {
    /// The folder of the gateway's own keys, or of a team's.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for team settings that cannot be used and for a folder that the provider
    /// secrets are in, [`ErrorKind::Denied`] for a location that the team may not name.
    pub(crate) fn new(settings: &Settings, team: Option<&TeamSettings>) -> Result<Self, Error> {
        let location = match team {
            Some(team) => team.overlay(settings).map_err(refused)?,
            None => settings.location.clone(),
        };
        let folder = Self::at(settings, location)?;
        let keys = &settings.virtual_keys;
        if folder.may_hold_provider_secrets(settings)? && !keys.danger_shared_folder {
            return Err(shared_folder());
        }
        Ok(folder)
    }

    /// The folder of the gateway's own keys, also where provider secrets are in it.
    ///
    /// # Errors
    /// [`ErrorKind::Settings`] for settings that were not made by [`Settings::from_sources`].
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
        let path = joined(path_prefix.as_deref(), key_prefix.as_deref())
            .map_err(|why| bad_path("path prefix of virtual keys", why))?;
        let configured =
            if is_global_mount { configured_in(settings, path.as_ref()) } else { Vec::new() };
        Ok(Self { mount, path, key_prefix, field, reserved, configured })
    }

    /// Whether an alias and the name of a provider secret can be one path: there is no key prefix
    /// that tells them apart, and the folder is below the global path prefix.
    fn may_hold_provider_secrets(&self, settings: &Settings) -> Result<bool, Error> {
        let is_global_mount = self.mount.full() == global_mount(settings)?.full();
        Ok(is_global_mount && settings.virtual_keys.shares_folder() && self.reserved.is_none())
    }

    /// The path of a key.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for an alias that could name another location's key, [`ErrorKind::Denied`] for a
    /// path among the provider secrets.
    pub(crate) fn path(&self, alias: &KeyAlias) -> Result<SecretPath, Error> {
        if !self.owns(alias.as_str()) {
            return Err(self.foreign(alias));
        }
        let path = match &self.path {
            Some(folder) => folder.join(alias.as_str()),
            None => SecretPath::new(alias.as_str()),
        };
        let path = path.map_err(|why| unusable("alias", alias.as_str(), why))?;
        self.check_provider_secrets(alias, &path.decoded())?;
        Ok(path)
    }

    fn check_provider_secrets(&self, alias: &KeyAlias, path: &str) -> Result<(), Error> {
        let denied = |why: String, hint| {
            Err(Error::new(
                ErrorKind::Denied,
                format!("the key `{alias}`: permission denied: {why}"),
            )
            .with_hint(hint))
        };
        if let Some(reserved) = self.reserved.as_ref().filter(|outer| is_within(path, outer)) {
            let why = format!("it would be among the global secrets, below {reserved}/");
            return denied(why, "give the team a `path_prefix` of its own");
        }
        if self.configured.iter().any(|configured| configured == path) {
            let why = "the configuration names a provider secret there".to_owned();
            return denied(why, "use another alias, or set prefix_for_stored_virtual_keys");
        }
        Ok(())
    }

    /// The name of a key as LiteLLM tells it: the prefix of all keys, a slash, the alias; without a
    /// prefix the slash stands there all the same.
    pub(crate) fn name(&self, alias: &KeyAlias) -> String {
        format!("{}/{alias}", self.key_prefix.as_deref().unwrap_or_default())
    }

    /// Whether a key of this alias is this location's, whatever other locations there are: the
    /// prefix of all keys stands only at the start of its name. Where it stood again, a location
    /// whose path prefix ends there would call the same path its own.
    pub(crate) fn owns(&self, alias: &str) -> bool {
        let prefix: Vec<_> = self.key_prefix.iter().flat_map(|prefix| prefix.split('/')).collect();
        let name: Vec<_> = prefix.iter().copied().chain(alias.split('/')).collect();
        let mut tails = (1..name.len()).filter_map(|from| name.get(from..));
        !tails.any(|tail| tail.len() > prefix.len() && tail.starts_with(&prefix))
    }

    /// Whether keys of this location may stand in its subfolder `folder`.
    pub(crate) fn holds(&self, folder: &str) -> bool {
        self.owns(&format!("{folder}/key"))
    }

    fn foreign(&self, alias: &KeyAlias) -> Error {
        let (what, hint) = match &self.key_prefix {
            Some(prefix) => (
                format!("holds the prefix of virtual keys, {prefix}/"),
                "leave the prefix out: it is put before the alias anyway",
            ),
            None => (
                "has a slash, and virtual keys have no prefix that would keep teams apart"
                    .to_owned(),
                "use one segment, or set prefix_for_stored_virtual_keys",
            ),
        };
        Error::new(ErrorKind::Usage, format!("the alias `{alias}` {what}")).with_hint(hint)
    }
}

/// A mount in whose URL another one's could begin, or that is no engine's.
fn check_mount(mount: &Mount) -> Result<(), Error> {
    let full = mount.full().decoded();
    let what = match full.split('/').collect::<Vec<_>>().as_slice() {
        ["sys" | "auth", ..] => "no secrets engine is mounted below `sys` or `auth`",
        [_, rest @ ..] if rest.iter().any(|part| matches!(*part, "data" | "metadata")) => {
            "a segment `data` or `metadata` would lead into another mount"
        }
        _ => return Ok(()),
    };
    Err(Error::settings([Problem {
        source: "team settings: mount".to_owned(),
        what: format!("`{full}`: {what}"),
        hint: "name the namespace and the mount as `vault secrets list` does".to_owned(),
    }]))
}

/// The mount of the provider secrets.
fn global_mount(settings: &Settings) -> Result<Mount, Error> {
    mount(settings.location.namespace.as_deref(), &settings.location.mount)
}

/// The paths of the configured provider secrets that are in `folder`.
fn configured_in(settings: &Settings, folder: Option<&SecretPath>) -> Vec<String> {
    let outer = settings.location.path_prefix.as_deref();
    let folder = folder.map(SecretPath::decoded);
    ownership::configured(settings)
        .map(|name| outer.map_or_else(|| name.to_owned(), |outer| format!("{outer}/{name}")))
        .filter(|path| folder.as_deref().is_none_or(|folder| is_within(path, folder)))
        .collect()
}

fn shared_folder() -> Error {
    Error::settings([Problem {
        source: "prefix_for_stored_virtual_keys".to_owned(),
        what: "is empty: virtual keys would be stored among the provider secrets".to_owned(),
        hint: "set a prefix such as `litellm/` (KM_PREFIX_FOR_STORED_VIRTUAL_KEYS), or allow it \
               with KM_DANGER_SHARED_KEY_FOLDER"
            .to_owned(),
    }])
}

fn refused(error: OverlayError) -> Error {
    match error {
        OverlayError::Contradiction(problems) => problems.into(),
        error => Error::new(ErrorKind::Denied, error.to_string())
            .with_hint("allow it in KM_ALLOWED_TEAM_LOCATIONS, or change the team's settings"),
    }
}

fn joined(outer: Option<&str>, inner: Option<&str>) -> Result<Option<SecretPath>, PathError> {
    Ok(match (outer, inner) {
        (Some(outer), Some(inner)) => Some(SecretPath::new(outer)?.join(inner)?),
        (Some(only), None) | (None, Some(only)) => Some(SecretPath::new(only)?),
        (None, None) => None,
    })
}

#[cfg(test)]
mod tests;
