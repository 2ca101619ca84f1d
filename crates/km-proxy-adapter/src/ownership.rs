//! Which names of the global location are virtual keys, and which the Vault API serves. Pure.
//!
//! Provider secrets and virtual keys share a mount. The prefix of virtual keys tells them apart, so
//! that no name is both (`docs/adr/0012-tenants.md`).

use km_settings::Settings;

use crate::name::is_within;

/// Whether a virtual key may be stored under this name: the gateway's own, or a team's whose path
/// prefix lies in the global location. Without a key prefix names cannot be told apart.
pub(crate) fn is_virtual_key(settings: &Settings, name: &str) -> bool {
    let Some(prefix) = &settings.virtual_keys.prefix else {
        return false;
    };
    let folder: Vec<_> = prefix.split('/').collect();
    let segments: Vec<_> = name.split('/').collect();
    let mut splits = (0..segments.len()).filter_map(|at| segments.split_at_checked(at));
    splits.any(|(head, tail)| {
        tail.len() > folder.len() && tail.starts_with(&folder) && may_be_location(settings, head)
    })
}

/// Whether these segments, below the global path prefix, may be a team's path prefix. None are the
/// gateway's own.
fn may_be_location(settings: &Settings, head: &[&str]) -> bool {
    let global = &settings.location;
    let outer = global.path_prefix.iter().map(String::as_str);
    let path_prefix = outer.chain(head.iter().copied()).collect::<Vec<_>>().join("/");
    head.is_empty()
        || settings.allows_team_location(
            global.namespace.as_deref(),
            &global.mount,
            Some(&path_prefix),
        )
}

/// Whether the configuration references or hosts the name: it is a provider secret, whatever else
/// could be stored there.
pub(crate) fn is_configured(settings: &Settings, name: &str) -> bool {
    configured(settings).any(|known| known == name)
}

/// The names that the configuration references or hosts.
pub(crate) fn configured(settings: &Settings) -> impl Iterator<Item = &str> {
    settings.hosted_keys.iter().flatten().chain(&settings.references).map(String::as_str)
}

/// Whether the Vault API serves the secret of this name: with `hosted_keys` only those and virtual
/// keys.
pub(crate) fn is_served(settings: &Settings, name: &str) -> bool {
    settings.hosted_keys.as_ref().is_none_or(|hosted| hosted.contains(name))
        || is_virtual_key(settings, name)
        || may_be_in_shared_folder(settings, name)
}

/// Whether the Vault API lists the folder of this name.
pub(crate) fn lists_folder(settings: &Settings, folder: &str) -> bool {
    let holds = |name: &String| is_within(name, folder);
    settings.hosted_keys.as_ref().is_none_or(|hosted| hosted.iter().any(holds))
        || settings.virtual_keys.prefix.as_ref().is_some_and(holds)
        || is_virtual_key(settings, &format!("{folder}/key"))
}

/// Without a key prefix an alias is one segment, among the provider secrets if that is allowed.
fn may_be_in_shared_folder(settings: &Settings, name: &str) -> bool {
    let keys = &settings.virtual_keys;
    keys.shares_folder()
        && keys.danger_shared_folder
        && !name.is_empty()
        && !name.contains('/')
        && !is_configured(settings, name)
}
