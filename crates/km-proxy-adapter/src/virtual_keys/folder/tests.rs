//! Properties of pairs of locations, and of keys beside provider secrets.

use std::collections::BTreeMap;

use km_settings::{Sources, Yaml};
use proptest::prelude::*;

use super::*;
use crate::name::Name;
use crate::ownership::is_configured;
use crate::route::{Route, route};
use crate::rules::VaultValidator;

/// Words that make nested, repeated and hostile places likely.
const SEGMENT: &str = "(a|b|litellm|data|metadata|kv|\\.\\.|%2e%2e|a%2fb| a|)";

fn text(most: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(SEGMENT, 0..=most).prop_map(|parts| parts.join("/"))
}

/// The settings of a gateway with this location and this prefix of keys; `None` where they are
/// refused.
fn gateway(namespace: &str, mount: &str, prefix: &str, keys: &str) -> Option<Settings> {
    let location = [
        ("HCP_VAULT_NAMESPACE", namespace),
        ("HCP_VAULT_MOUNT_NAME", mount),
        ("HCP_VAULT_PATH_PREFIX", prefix),
        ("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", keys),
    ];
    settings(&location, "")
}

fn settings(variables: &[(&str, &str)], yaml: &str) -> Option<Settings> {
    let always = [("HCP_VAULT_TOKEN", "token"), ("KM_STORE_VIRTUAL_KEYS", "true")];
    let variables = always.iter().chain(variables);
    let env: BTreeMap<_, _> =
        variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let yaml = Some(Yaml::new("config.yaml", yaml));
    Settings::from_sources(&Sources { env: &env, yaml, validator: &VaultValidator }).ok()
}

fn team(namespace: &str, mount: &str, prefix: &str) -> Option<TeamSettings> {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let [namespace, mount, prefix] = [namespace, mount, prefix].map(quoted);
    let json =
        format!(r#"{{"namespace":"{namespace}","mount":"{mount}","path_prefix":"{prefix}"}}"#);
    TeamSettings::from_json(&json, &VaultValidator).ok()
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
        let variables =
            [("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", keys), ("KM_DANGER_SHARED_KEY_FOLDER", "true")];
        let settings = settings(&variables, "").unwrap();
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

/// Prefixes that are empty, within each other, and around the prefix of virtual keys.
const PREFIXES: [&str; 9] =
    ["", "a", "b", "litellm", "a/a", "a/b", "a/litellm", "litellm/a", "litellm/litellm"];
const KEY_PREFIXES: [&str; 6] = ["", "litellm", "a", "a/a", "a/b", "b/a"];

/// All names of up to three segments.
fn names() -> Vec<String> {
    const WORDS: [&str; 3] = ["a", "b", "litellm"];
    let longer = |names: &[String]| -> Vec<String> {
        names.iter().flat_map(|name| WORDS.map(|word| format!("{name}/{word}"))).collect()
    };
    let one = WORDS.map(str::to_owned).to_vec();
    let two = longer(&one);
    let three = longer(&two);
    [one, two, three].concat()
}

/// The folders of the gateway's own keys and of a team at each prefix of the global mount.
fn folders(settings: &Settings) -> Vec<Folder> {
    let teams = PREFIXES.map(|prefix| team("", "kv", prefix).unwrap());
    let teams = teams.iter().map(Some).chain([None]);
    teams.filter_map(|team| Folder::new(settings, team).ok()).collect()
}

/// Checks the keys of all locations in one mount: no two locations share a path, and no key is a
/// provider secret.
fn check_mount_of(settings: &Settings, names: &[String]) {
    let mut owners = BTreeMap::new();
    let global = settings.location.path_prefix.as_deref();
    for folder in folders(settings) {
        for alias in names {
            let Ok(path) = folder.path(&KeyAlias::new(alias).unwrap()) else { continue };
            let owner = owners.entry(path.decoded()).or_insert_with(|| place(&folder));
            assert_eq!(*owner, place(&folder), "{} of {settings:?}", path.decoded());
            let Some(name) = Name::of(path, global) else { continue };
            let name = name.as_str();
            assert!(!is_configured(settings, name), "{name} is a provider secret: {settings:?}");
            let is_key = route(settings, name) == Route::VirtualKey;
            let keys = &settings.virtual_keys;
            let is_chosen = keys.shares_folder() && keys.danger_shared_folder;
            assert!(is_key || is_chosen, "{name} is read as a provider secret: {settings:?}");
        }
    }
}

/// Every operation on a key takes its path from [`Folder::path`].
#[test]
fn keys_of_every_pair_of_locations_on_one_mount_are_apart() {
    let names = names();
    for (keys, global) in KEY_PREFIXES.iter().flat_map(|keys| PREFIXES.map(|home| (*keys, home))) {
        let variables = [
            ("HCP_VAULT_MOUNT_NAME", "kv"),
            ("HCP_VAULT_PATH_PREFIX", global),
            ("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", keys),
        ];
        for danger in ["false", "true"] {
            let danger = ("KM_DANGER_SHARED_KEY_FOLDER", danger);
            for (hosted, reference) in [("a", "b"), ("a/b,litellm/a", "a/litellm/b"), ("b/a/b", "")]
            {
                let hosted = ("KM_HOSTED_KEYS", hosted);
                let yaml = format!("key: os.environ/{reference}\n");
                let settings = settings(&[&variables[..], &[danger, hosted]].concat(), &yaml);
                check_mount_of(&settings.unwrap(), &names);
            }
        }
    }
}

#[test]
fn key_folder_of_the_provider_secrets_is_refused_unless_it_is_chosen() {
    let check = |keys: &str, global: &str, named: Option<&str>, danger: &str, expected: bool| {
        let settings = settings(
            &[
                ("HCP_VAULT_MOUNT_NAME", "kv"),
                ("HCP_VAULT_PATH_PREFIX", global),
                ("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", keys),
                ("KM_DANGER_SHARED_KEY_FOLDER", danger),
            ],
            "",
        );
        let team = named.map(|prefix| team("", "kv", prefix).unwrap());
        let folder = Folder::new(&settings.unwrap(), team.as_ref());
        assert_eq!(folder.is_ok(), expected, "{keys:?} {global:?} {named:?} {danger}");
    };
    for (global, named, expected) in [
        ("", None, false),
        ("gateway", None, false),
        ("", Some("team"), false),
        ("gateway", Some("gateway"), false),
        ("gateway", Some("gateway/team"), false),
        ("gateway", Some("team"), true),
        ("gateway", Some(""), true),
    ] {
        check("", global, named, "false", expected);
        check("/", global, named, "false", expected);
        check("", global, named, "true", true);
        check("litellm", global, named, "false", true);
    }
}

#[test]
fn alias_of_a_configured_provider_secret_is_refused() {
    let check = |keys: &str, alias: &str, expected: bool| {
        let variables = [
            ("HCP_VAULT_PATH_PREFIX", "gateway"),
            ("KM_PREFIX_FOR_STORED_VIRTUAL_KEYS", keys),
            ("KM_DANGER_SHARED_KEY_FOLDER", "true"),
            ("KM_HOSTED_KEYS", "HOSTED,litellm/HOSTED"),
        ];
        let yaml = "keys: [os.environ/REFERENCED, os.environ/litellm/REFERENCED]";
        let folder = Folder::new(&settings(&variables, yaml).unwrap(), None).unwrap();
        assert_eq!(url(&folder, alias).is_some(), expected, "{keys:?} {alias}");
    };
    for keys in ["", "litellm"] {
        check(keys, "HOSTED", false);
        check(keys, "REFERENCED", false);
        check(keys, "OTHER", true);
        check(keys, "hosted", true);
    }
}
