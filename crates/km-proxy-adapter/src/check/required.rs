//! The capabilities that the settings require in Vault: one list for the policy and the check.

use km_settings::{AccessMode, LocationPattern, Settings};
use vault_kv::{Mount, SecretPath};

use crate::connect::mounts::mount;
use crate::error::{Error, ErrorKind, convert};
use crate::virtual_keys::location::KeyFolder;

/// The capabilities that are required on one path, or on all paths in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RequiredCapability {
    /// The decoded path below `/v1/`. That of a folder ends in `/`.
    path: String,
    /// Vault's names of the capabilities.
    pub(super) capabilities: Vec<&'static str>,
    /// Capabilities that only some operations require: in the policy, but not checked.
    pub(super) optional: Vec<&'static str>,
    /// What the capabilities are for, as a comment in the policy.
    pub(super) purpose: &'static str,
    /// The name below the path on which the capabilities are checked. `None` if they are not
    /// checked, because only some commands require them or the path is a pattern.
    example: Option<&'static str>,
}

/// The example of a provider key if the settings name none.
const PROVIDER_KEY: &str = "OPENAI_API_KEY";

/// The example of a virtual key.
const VIRTUAL_KEY: &str = "virtual-key-check";

const KEY_CAPABILITIES: [&str; 4] = ["create", "read", "update", "delete"];

/// Returns the capabilities that a gateway with these settings requires.
///
/// # Errors
/// [`ErrorKind::Settings`] for settings that [`Settings::from_sources`] did not return.
pub(super) fn required_capabilities(settings: &Settings) -> Result<Vec<RequiredCapability>, Error> {
    let location = &settings.location;
    let global = mount(location.namespace.as_deref(), &location.mount)?;
    let mut required = provider_keys(settings, &global)?;
    if settings.virtual_keys.store && settings.access_mode.writes() {
        let folder = KeyFolder::of_gateway(settings)?;
        required.extend(key_folder(settings.access_mode, &folder.mount, folder.path.as_ref()));
        let teams = settings.allowed_team_locations.iter().flatten();
        required.extend(teams.filter_map(team_folder).flatten());
    }
    Ok(required)
}

fn provider_keys(settings: &Settings, mount: &Mount) -> Result<Vec<RequiredCapability>, Error> {
    let (capabilities, optional) = provider_capabilities(settings);
    if capabilities.is_empty() {
        return Ok(Vec::new());
    }
    let prefix = settings.location.path_prefix.as_deref().map(SecretPath::new).transpose();
    let prefix = prefix.map_err(|why| convert::invalid_path("path prefix", &why))?;
    let purpose = "provider keys";
    let metadata = metadata_capabilities(settings.access_mode);
    let hosted = settings.hosted_keys.as_ref().filter(|names| !names.is_empty());
    let Some(names) = hosted else {
        let path = data(mount, prefix.as_ref());
        let example = Some(PROVIDER_KEY);
        let all = RequiredCapability { path, capabilities, optional, purpose, example };
        return Ok(vec![all, folder_metadata(mount, prefix.as_ref(), metadata, "their metadata")]);
    };
    let mut required = Vec::new();
    for name in names {
        let path = prefix.as_ref().map_or_else(|| SecretPath::new(name), |p| p.join(name));
        let path = path.map_err(|why| convert::invalid_path("hosted_keys", &why))?;
        required.push(RequiredCapability {
            path: mount.data(&path).decoded().into_owned(),
            capabilities: capabilities.clone(),
            optional: optional.clone(),
            purpose,
            example: Some(""),
        });
        let path = mount.folder(Some(&path)).decoded().into_owned();
        required.push(RequiredCapability::unchecked(path, metadata.clone(), "its metadata"));
    }
    if settings.access_mode.reads() {
        required.push(folder_metadata(mount, prefix.as_ref(), vec!["list"], "`km list`"));
    }
    Ok(required)
}

/// Returns the capabilities on provider keys, and those that only some operations require.
fn provider_capabilities(settings: &Settings) -> (Vec<&'static str>, Vec<&'static str>) {
    let mode = settings.access_mode;
    let hosts = settings.hosted_keys.as_ref().is_none_or(|names| !names.is_empty());
    let (mut capabilities, mut optional) = (Vec::new(), Vec::new());
    if mode.reads() && hosts {
        capabilities.push("read");
    } else if mode.writes() {
        // A write keeps the other fields, and names the version to replace if the mount requires
        // check-and-set, so that it reads the secret first.
        optional.push("read");
    }
    if mode.writes() {
        capabilities.extend(["create", "update", "delete"]);
    }
    (capabilities, optional)
}

/// Returns the capabilities on metadata that the Vault API of `km serve` and the listings of `km`
/// require.
fn metadata_capabilities(mode: AccessMode) -> Vec<&'static str> {
    let reads: &[_] = if mode.reads() { &["list", "read"] } else { &[] };
    let writes: &[_] = if mode.writes() { &["create", "update", "delete"] } else { &[] };
    [reads, writes].concat()
}

fn key_folder(
    mode: AccessMode,
    mount: &Mount,
    folder: Option<&SecretPath>,
) -> [RequiredCapability; 2] {
    let keys = RequiredCapability {
        path: data(mount, folder),
        capabilities: KEY_CAPABILITIES.to_vec(),
        optional: Vec::new(),
        purpose: "virtual keys",
        example: Some(VIRTUAL_KEY),
    };
    let purpose = "their metadata, and `km key list`";
    [keys, folder_metadata(mount, folder, metadata_capabilities(mode), purpose)]
}

/// Returns the capabilities on the locations that a pattern allows to teams. `None` for a pattern
/// that a policy can't express: a policy's wildcards match whole segments.
fn team_folder(pattern: &LocationPattern) -> Option<[RequiredCapability; 2]> {
    let (mount, prefix) = (policy_segments(pattern.mount())?, pattern.prefix());
    let below = match prefix.map(policy_segments) {
        Some(prefix) => format!("{}/", prefix?),
        None => String::new(),
    };
    let required = |endpoint: &str, capabilities: &[&'static str], purpose| {
        let path = format!("{mount}/{endpoint}/{below}");
        RequiredCapability::unchecked(path, capabilities.to_vec(), purpose)
    };
    Some([
        required("data", &KEY_CAPABILITIES, "virtual keys of teams"),
        required("metadata", &["list", "read"], "`km key list` of teams"),
    ])
}

/// Returns the segments of a pattern in the syntax of a policy. `None` for a star within a segment.
fn policy_segments(pattern: &[String]) -> Option<String> {
    let segment = |part: &String| match part.as_str() {
        "*" => Some("+".to_owned()),
        part => (!part.contains('*')).then(|| part.to_owned()),
    };
    pattern.iter().map(segment).collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}

/// Returns the patterns of team locations that a policy can't express.
pub(super) fn inexpressible_patterns(
    settings: &Settings,
) -> impl Iterator<Item = &LocationPattern> {
    let patterns = settings.allowed_team_locations.iter().flatten();
    patterns.filter(|pattern| team_folder(pattern).is_none())
}

/// Returns the capabilities on the metadata of everything in a folder.
fn folder_metadata(
    mount: &Mount,
    folder: Option<&SecretPath>,
    capabilities: Vec<&'static str>,
    purpose: &'static str,
) -> RequiredCapability {
    let path = format!("{}/", mount.folder(folder).decoded());
    RequiredCapability::unchecked(path, capabilities, purpose)
}

/// Returns `{mount}/data/[{folder}/]`, decoded.
fn data(mount: &Mount, folder: Option<&SecretPath>) -> String {
    match folder {
        Some(folder) => format!("{}/", mount.data(folder).decoded()),
        None => format!("{}/data/", mount.full().decoded()),
    }
}

impl RequiredCapability {
    fn unchecked(path: String, capabilities: Vec<&'static str>, purpose: &'static str) -> Self {
        Self { path, capabilities, optional: Vec::new(), purpose, example: None }
    }

    /// Returns a path on which to check the capabilities, or `None` if they are not checked.
    pub(super) fn example_path(&self) -> Option<String> {
        self.example.map(|example| format!("{}{example}", self.path))
    }

    /// Returns the path in the syntax of a policy.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] for a path that a policy would interpret as a pattern.
    pub(super) fn policy_path(&self) -> Result<String, Error> {
        let is_folder = self.path.ends_with('/');
        let of_team = self.example.is_none();
        let plus = !of_team && self.path.split('/').any(|segment| segment == "+");
        if plus || self.path.ends_with('*') {
            let what = format!("policy: `{}` would be interpreted as a pattern", self.path);
            return Err(Error::new(ErrorKind::Usage, what).with_hint("use another name or prefix"));
        }
        Ok(format!("{}{}", self.path, if is_folder { "*" } else { "" }))
    }
}
