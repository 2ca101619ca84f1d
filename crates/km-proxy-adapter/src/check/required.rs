//! What these settings need at the server, and where: one list for the policy and for the check.

use km_settings::{AccessMode, LocationPattern, Settings};
use vault_kv::{Mount, SecretPath};

use crate::connect::bad_path;
use crate::error::{Error, ErrorKind};
use crate::key_manager::mount;
use crate::virtual_keys::KeyFolder;

/// Rights on one path, or on all that lie in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequiredCapability {
    /// The path below `/v1/`, as it is when decoded; a folder's ends in `/`.
    pub(super) path: String,
    /// What Vault calls the rights.
    pub(super) capabilities: Vec<&'static str>,
    /// Rights that only some operations need: in the policy, but not checked.
    pub(super) optional: Vec<&'static str>,
    /// What they are for.
    pub(super) purpose: &'static str,
    /// A name in the folder, to ask about in its stead. `None` where nothing but a command of a
    /// person's needs the rights.
    pub(super) sample: Option<&'static str>,
}

/// Stands for all provider keys where the settings don't name them.
const PROVIDER_KEY: &str = "OPENAI_API_KEY";

/// Stands for all virtual keys.
const VIRTUAL_KEY: &str = "virtual-key-check";

/// Everything that the gateway of these settings does.
///
/// # Errors
/// [`ErrorKind::Settings`] for settings that were not made by [`Settings::from_sources`].
pub(super) fn required_capabilities(settings: &Settings) -> Result<Vec<RequiredCapability>, Error> {
    let location = &settings.location;
    let home = mount(location.namespace.as_deref(), &location.mount)?;
    let mut grants = provider_keys(settings, &home)?;
    if settings.virtual_keys.store && settings.access_mode.writes() {
        let folder = KeyFolder::of_gateway(settings)?;
        grants.extend(key_folder(settings.access_mode, &folder.mount, folder.path.as_ref()));
        let teams = settings.allowed_team_locations.iter().flatten();
        grants.extend(teams.filter_map(team_folder).flatten());
    }
    Ok(grants)
}

fn provider_keys(settings: &Settings, home: &Mount) -> Result<Vec<RequiredCapability>, Error> {
    let (rights, optional) = provider_rights(settings);
    if rights.is_empty() {
        return Ok(Vec::new());
    }
    let prefix = settings.location.path_prefix.as_deref().map(SecretPath::new).transpose();
    let prefix = prefix.map_err(|why| bad_path("path prefix", why))?;
    let why = "provider keys";
    let metadata = metadata_rights(settings.access_mode);
    let hosted = settings.hosted_keys.as_ref().filter(|names| !names.is_empty());
    let Some(names) = hosted else {
        let path = data(home, prefix.as_ref());
        let all = RequiredCapability {
            path,
            capabilities: rights,
            optional,
            purpose: why,
            sample: Some(PROVIDER_KEY),
        };
        return Ok(vec![all, folder_metadata(home, prefix.as_ref(), metadata, "their metadata")]);
    };
    let mut grants = Vec::new();
    for name in names {
        let path = prefix.as_ref().map_or_else(|| SecretPath::new(name), |p| p.join(name));
        let path = path.map_err(|why| bad_path("hosted_keys", why))?;
        let (rights, optional) = (rights.clone(), optional.clone());
        let data = home.data(&path).decoded().into_owned();
        grants.push(RequiredCapability {
            path: data,
            capabilities: rights,
            optional,
            purpose: why,
            sample: Some(""),
        });
        let path = home.folder(Some(&path)).decoded().into_owned();
        grants.push(RequiredCapability::unchecked(path, metadata.clone(), "its metadata"));
    }
    if settings.access_mode.reads() {
        grants.push(folder_metadata(home, prefix.as_ref(), vec!["list"], "`km list`"));
    }
    Ok(grants)
}

/// The rights on provider keys, and those that only some operations need.
fn provider_rights(settings: &Settings) -> (Vec<&'static str>, Vec<&'static str>) {
    let mode = settings.access_mode;
    let hosts = settings.hosted_keys.as_ref().is_none_or(|names| !names.is_empty());
    let (mut rights, mut optional) = (Vec::new(), Vec::new());
    if mode.reads() && hosts {
        rights.push("read");
    } else if mode.writes() {
        // For mounts that demand check-and-set, where a write names the version that it replaces.
        optional.push("read");
    }
    if mode.writes() {
        rights.extend(["create", "update", "delete"]);
    }
    (rights, optional)
}

/// What the Vault API of `km serve` and the lists of `km` do with metadata, `list` included.
fn metadata_rights(mode: AccessMode) -> Vec<&'static str> {
    let reads: &[_] = if mode.reads() { &["list", "read"] } else { &[] };
    let writes: &[_] = if mode.writes() { &["create", "update", "delete"] } else { &[] };
    [reads, writes].concat()
}

const KEY_RIGHTS: [&str; 4] = ["create", "read", "update", "delete"];

fn key_folder(
    mode: AccessMode,
    mount: &Mount,
    folder: Option<&SecretPath>,
) -> [RequiredCapability; 2] {
    let (path, rights, optional) = (data(mount, folder), KEY_RIGHTS.to_vec(), Vec::new());
    let keys = RequiredCapability {
        path,
        capabilities: rights,
        optional,
        purpose: "virtual keys",
        sample: Some(VIRTUAL_KEY),
    };
    let why = "their metadata, and `km key list`";
    [keys, folder_metadata(mount, folder, metadata_rights(mode), why)]
}

/// Where a pattern of team locations allows virtual keys; `None` where a policy cannot express it:
/// a policy knows whole segments, and no star within one.
fn team_folder(pattern: &LocationPattern) -> Option<[RequiredCapability; 2]> {
    let (mount, prefix) = (segments(pattern.mount())?, pattern.prefix().map(segments));
    let below = match prefix {
        Some(prefix) => format!("{}/", prefix?),
        None => String::new(),
    };
    let grant = |endpoint: &str, rights: &[&'static str], why| {
        RequiredCapability::unchecked(format!("{mount}/{endpoint}/{below}"), rights.to_vec(), why)
    };
    Some([
        grant("data", &KEY_RIGHTS, "virtual keys of teams"),
        grant("metadata", &["list", "read"], "`km key list` of teams"),
    ])
}

/// A pattern's segments as a policy has them; `None` for a star within a segment.
fn segments(pattern: &[String]) -> Option<String> {
    let segment = |part: &String| match part.as_str() {
        "*" => Some("+".to_owned()),
        part => (!part.contains('*')).then(|| part.to_owned()),
    };
    pattern.iter().map(segment).collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}

/// The patterns of team locations that [`grants`] leaves out.
pub(super) fn without_grant(settings: &Settings) -> impl Iterator<Item = &LocationPattern> {
    let patterns = settings.allowed_team_locations.iter().flatten();
    patterns.filter(|pattern| team_folder(pattern).is_none())
}

/// Rights on the metadata of all that is in a folder.
fn folder_metadata(
    mount: &Mount,
    folder: Option<&SecretPath>,
    rights: Vec<&'static str>,
    why: &'static str,
) -> RequiredCapability {
    RequiredCapability::unchecked(format!("{}/", mount.folder(folder).decoded()), rights, why)
}

/// `{mount}/data/[{folder}/]`, decoded.
fn data(mount: &Mount, folder: Option<&SecretPath>) -> String {
    match folder {
        Some(folder) => format!("{}/", mount.data(folder).decoded()),
        None => format!("{}/data/", mount.full().decoded()),
    }
}

impl RequiredCapability {
    fn unchecked(path: String, rights: Vec<&'static str>, why: &'static str) -> Self {
        Self { path, capabilities: rights, optional: Vec::new(), purpose: why, sample: None }
    }

    /// A path that these rights are needed on, to ask about; `None` where none can be named.
    pub(super) fn example(&self) -> Option<String> {
        self.sample.map(|sample| format!("{}{sample}", self.path))
    }

    /// Where a policy grants them.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a path that a policy would take for a pattern.
    pub(super) fn pattern(&self) -> Result<String, Error> {
        let is_folder = self.path.ends_with('/');
        let of_team = self.sample.is_none();
        let plus = !of_team && self.path.split('/').any(|segment| segment == "+");
        if plus || self.path.ends_with('*') {
            let what = format!("policy: `{}` would be a pattern in a policy", self.path);
            return Err(Error::new(ErrorKind::Usage, what).with_hint("take another name or prefix"));
        }
        Ok(format!("{}{}", self.path, if is_folder { "*" } else { "" }))
    }
}
