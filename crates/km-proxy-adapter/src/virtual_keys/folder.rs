//! Where the virtual keys of one location are, and which names belong to it: pure policy.
//!
//! Nobody knows the locations of all teams, so each name is judged by itself: it may not lead where
//! another location's keys could be (`docs/adr/0012-tenants.md`).

use km_settings::{Location, OverlayError, Settings, TeamSettings};
use vault_http::PathError;
use vault_kv::{Mount, SecretPath};

use super::KeyAlias;
use crate::connect::bad_path;
use crate::error::{Error, Kind, Problem};
use crate::keys::mount;
use crate::name::{is_within, unusable};

/// The folder of one location's virtual keys: `{mount}/data/[{path_prefix}/][{key prefix}/]`.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) mount: Mount,
    /// Path prefix and key prefix; `None` is the top of the mount.
    pub(crate) path: Option<SecretPath>,
    /// What stands before an alias in the name of a key.
    key_prefix: Option<String>,
    /// The field that holds the value.
    pub(crate) field: String,
    /// The global path prefix, where it is of the same mount and this folder is not below it.
    reserved: Option<String>,
}

impl Folder {
    /// The folder of the gateway's own keys, or of a team's.
    ///
    /// # Errors
    /// [`Kind::Settings`] and [`Kind::Denied`] for team settings that can't be used, or may not.
    pub(crate) fn new(settings: &Settings, team: Option<&TeamSettings>) -> Result<Self, Error> {
        let global = &settings.location;
        let location = match team {
            Some(team) => team.overlay(settings).map_err(refused)?,
            None => global.clone(),
        };
        let home = mount(global.namespace.as_deref(), &global.mount)?;
        let mount = mount(location.namespace.as_deref(), &location.mount)?;
        let abroad = mount.full() != home.full();
        if abroad {
            check_mount(&mount)?;
        }
        let own = location.path_prefix.as_deref();
        let inside = |prefix: &String| own.is_some_and(|own| is_within(own, prefix));
        let reserved = global.path_prefix.clone().filter(|prefix| !abroad && !inside(prefix));
        let Location { path_prefix, field, .. } = location;
        let key_prefix = settings.virtual_keys.prefix.clone();
        let path = joined(path_prefix.as_deref(), key_prefix.as_deref())
            .map_err(|why| bad_path("path prefix of virtual keys", why))?;
        Ok(Self { mount, path, key_prefix, field, reserved })
    }

    /// The path of a key.
    ///
    /// # Errors
    /// [`Kind::Usage`] for an alias that could name another location's key, [`Kind::Denied`] for a
    /// path among the provider keys.
    pub(crate) fn path(&self, alias: &KeyAlias) -> Result<SecretPath, Error> {
        if !self.owns(alias.as_str()) {
            return Err(self.foreign(alias));
        }
        let path = match &self.path {
            Some(folder) => folder.join(alias.as_str()),
            None => SecretPath::new(alias.as_str()),
        };
        let path = path.map_err(|why| unusable("alias", alias.as_str(), why))?;
        if let Some(reserved) = &self.reserved
            && is_within(&path.decoded(), reserved)
        {
            return Err(Error::new(
                Kind::Denied,
                format!(
                    "the key `{alias}`: it would lie among the global secrets, below {reserved}/"
                ),
            )
            .with_hint("give the team a `path_prefix` of its own"));
        }
        Ok(path)
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
        Error::new(Kind::Usage, format!("the alias `{alias}` {what}")).with_hint(hint)
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

fn refused(error: OverlayError) -> Error {
    match error {
        OverlayError::Contradiction(problems) => problems.into(),
        error => Error::new(Kind::Denied, error.to_string())
            .with_hint("allow it in KM_ALLOWED_TEAM_LOCATIONS, or mend the team's settings"),
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
mod tests {
    use std::collections::BTreeMap;

    use km_settings::Sources;
    use proptest::prelude::*;

    use super::*;
    use crate::rules::VaultRules;

    /// Words that make nested, repeated and hostile places likely.
    const SEGMENT: &str = "(a|b|litellm|data|metadata|kv|\\.\\.|%2e%2e|a%2fb| a|)";

    fn text(most: usize) -> impl Strategy<Value = String> {
        proptest::collection::vec(SEGMENT, 0..=most).prop_map(|parts| parts.join("/"))
    }

    /// The settings of a gateway with this place and this prefix of keys; `None` where they are
    /// refused.
    fn gateway(namespace: &str, mount: &str, prefix: &str, keys: &str) -> Option<Settings> {
        let env: BTreeMap<_, _> = [
            ("HCP_VAULT_TOKEN", "token"),
            ("HCP_VAULT_NAMESPACE", namespace),
            ("HCP_VAULT_MOUNT_NAME", mount),
            ("HCP_VAULT_PATH_PREFIX", prefix),
            ("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", keys),
            ("KM_STORE_VIRTUAL_KEYS", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        Settings::from_sources(&Sources { env: &env, yaml: None, rules: &VaultRules }).ok()
    }

    fn team(namespace: &str, mount: &str, prefix: &str) -> Option<TeamSettings> {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let [namespace, mount, prefix] = [namespace, mount, prefix].map(quoted);
        let json =
            format!(r#"{{"namespace":"{namespace}","mount":"{mount}","path_prefix":"{prefix}"}}"#);
        TeamSettings::from_json(&json, &VaultRules).ok()
    }

    /// The URL of a key, where it may be one.
    fn url(folder: &Folder, alias: &str) -> Option<String> {
        let path = folder.path(&KeyAlias::new(alias).ok()?).ok()?;
        Some(folder.mount.data(&path).as_str().to_owned())
    }

    fn place(folder: &Folder) -> (String, Option<SecretPath>) {
        (folder.mount.full().as_str().to_owned(), folder.path.clone())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn no_alias_reaches_another_teams_key(
            keys in text(2),
            home in (text(1), text(2), text(2)),
            one in proptest::option::of((text(2), text(2), text(3))),
            two in (text(2), text(2), text(3)),
            aliases in (text(4), text(4)),
        ) {
            let Some(settings) = gateway(&home.0, &home.1, &home.2, &keys) else { return Ok(()) };
            let first = match &one {
                Some((namespace, mount, prefix)) => match team(namespace, mount, prefix) {
                    Some(team) => Folder::new(&settings, Some(&team)),
                    None => return Ok(()),
                },
                None => Folder::new(&settings, None),
            };
            let Some(second) = team(&two.0, &two.1, &two.2) else { return Ok(()) };
            if let (Ok(first), Ok(second)) = (first, Folder::new(&settings, Some(&second)))
                && place(&first) != place(&second)
                && let (Some(left), Some(right)) = (url(&first, &aliases.0), url(&second, &aliases.1))
            {
                prop_assert_ne!(left, right);
            }
        }

        /// Pairs of teams that are made so that the URLs of two keys are the same text.
        #[test]
        fn of_two_keys_at_one_place_one_is_refused(
            keys in "(litellm|a|a/b|a/a|)",
            [outer, middle, alias] in ["[ab](/[ab]){0,1}", "[ab](/[ab]){0,2}", "[ab](/[ab]){0,1}"],
        ) {
            let settings = gateway("", "home", "", &keys).unwrap();
            let prefixed = if keys.is_empty() { String::new() } else { format!("{keys}/") };
            let url_of = |mount: &str, prefix: &str, alias: &str| {
                let folder = Folder::new(&settings, team("", mount, prefix).as_ref()).ok()?;
                url(&folder, alias)
            };
            for ((mount, prefix, name), (other_mount, other_prefix, other_name)) in [
                // One prefix ends in the other's folder of keys.
                (
                    ("kv", outer.clone(), format!("{middle}/{prefixed}{alias}")),
                    ("kv", format!("{outer}/{prefixed}{middle}"), alias.clone()),
                ),
                // One is at the top of the mount.
                (
                    ("kv", String::new(), format!("{middle}/{prefixed}{alias}")),
                    ("kv", format!("{prefixed}{middle}"), alias.clone()),
                ),
                // One mount ends in the other's secrets.
                (
                    ("kv", format!("{outer}/data/{middle}"), alias.clone()),
                    (&format!("kv/data/{outer}"), middle.clone(), alias.clone()),
                ),
            ] {
                let left = url_of(mount, &prefix, &name);
                let right = url_of(other_mount, &other_prefix, &other_name);
                prop_assert!(left.is_none() || left != right, "{:?}", left);
            }
        }

        #[test]
        fn no_alias_leaves_its_folder_or_gets_below_the_global_prefix(
            keys in text(2),
            home in (text(1), text(2), text(2)),
            named in (text(2), text(2), text(3)),
            alias in text(4),
        ) {
            let Some(settings) = gateway(&home.0, &home.1, &home.2, &keys) else { return Ok(()) };
            let Some(team) = team(&named.0, &named.1, &named.2) else { return Ok(()) };
            let Ok(folder) = Folder::new(&settings, Some(&team)) else { return Ok(()) };
            let Some(url) = url(&folder, &alias) else { return Ok(()) };
            let own = match &folder.path {
                Some(path) => folder.mount.data(path).as_str().to_owned(),
                None => format!("{}/data", folder.mount.full()),
            };
            let tail = url.strip_prefix(&own).and_then(|tail| tail.strip_prefix('/'));
            prop_assert!(tail.is_some_and(|tail| tail.split('/').all(|s| !matches!(s, "" | "." | ".."))));
            if let Some(prefix) = &settings.location.path_prefix {
                let location = &settings.location;
                let home = mount(location.namespace.as_deref(), &location.mount).unwrap();
                let below = format!("{}/", home.data(&SecretPath::new(prefix).unwrap()));
                let team_prefix = team.overlay(&settings).unwrap().path_prefix;
                prop_assert!(
                    !url.starts_with(&below) || team_prefix.as_deref().is_some_and(|own| is_within(own, prefix)),
                    "{} is below {}", url, below
                );
            }
        }
    }

    #[test]
    fn the_prefix_of_keys_stands_only_at_the_start() {
        let check = |keys: &str, alias: &str, expected: bool| {
            let settings = gateway("", "kv", "", keys).unwrap();
            let folder = Folder::new(&settings, None).unwrap();
            assert_eq!(url(&folder, alias).is_some(), expected, "{keys} {alias}");
        };
        check("litellm/", "alias", true);
        check("litellm/", "a/b/c", true);
        check("litellm/", "litellm", true);
        check("litellm/", "litellm/alias", false);
        check("litellm/", "a/litellm/alias", false);
        check("litellm/", "a/litellm", true);
        check("x/x", "x/alias", false);
        check("x/y", "y/x/y/a", false);
        check("x/y", "y/x/a", true);
        check("", "alias", true);
        check("", "a/alias", false);
    }
}
