//! The check of the secrets that the configuration references: whether each is found, and whether
//! a provider would reject its value.
//!
//! **Invariant:** no result contains a value, a part of one, or anything computed from one but its
//! length. Values are compared where they are, in memory that is zeroized, and not copied.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use km_settings::{Settings, is_reserved};
use vault_http::ApiPath;

use crate::error::reason::Reason;
use crate::error::{Error, ErrorKind};
use crate::inner::Inner;
use crate::name::{is_resolved_by_gateway, strip_reference};
use crate::read::preload::MAX_CONCURRENT_READS;
use crate::read::secret::{Secret, Source};
use crate::value_warning::ValueWarning;

/// The time before the deletion of a version at which the check warns of it: long enough to store
/// a new version in working hours.
const DELETION_NEAR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The result of checking one name.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SecretCheck {
    /// The name, without `os.environ/`.
    pub name: String,
    /// Whether the name has a value.
    pub outcome: SecretOutcome,
}

/// Whether a name has a value.
#[derive(Debug, Clone)]
pub enum SecretOutcome {
    /// It has a value.
    Found(FoundSecret),
    /// It has none that could be read.
    Failed(Error),
    /// It is a setting or a credential that Vault does not have either, so that nobody expects a
    /// secret of this name; the text says so.
    Skipped(&'static str),
}

/// What is known about a value, without the value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FoundSecret {
    /// The source of the value.
    pub source: Source,
    /// The path of the request, below `/v1/`; `None` for a value of the environment.
    pub path: Option<ApiPath>,
    /// The version; `None` for a value of the environment.
    pub version: Option<u64>,
    /// The time since the version was written, by the server's clock, if that is known.
    pub age: Option<Duration>,
    /// The length of the value in bytes.
    pub length: usize,
    /// What may be wrong with the value.
    pub warnings: Vec<SecretWarning>,
}

/// A reason why a provider may reject a value, now or soon.
///
/// `Display` completes the sentence "the value …" and never includes the value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretWarning {
    /// The form of the value is suspicious.
    Form(ValueWarning),
    /// The version will be deleted within a week, or at a time that can't be compared with the
    /// server's clock. The text is the time, in RFC 3339.
    DeletionNear(String),
    /// These other names have the same value.
    SameValue(Vec<String>),
}

impl SecretWarning {
    /// Returns the kind of the warning, as one word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Form(form) => form.kind(),
            Self::DeletionNear(_) => "deletion_near",
            Self::SameValue(_) => "same_value",
        }
    }
}

impl fmt::Display for SecretWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(form) => form.fmt(f),
            Self::DeletionNear(time) => write!(f, "is deleted at {time}"),
            Self::SameValue(names) => write!(f, "is also the value of {}", names.join(", ")),
        }
    }
}

/// Reads every name that the configuration references or hosts, each by a deadline of its own.
pub(crate) async fn run(inner: &Inner) -> Vec<SecretCheck> {
    let names = names(&inner.settings);
    let reads = names.into_iter().map(|name| async move { (name, inner.secret(name).await) });
    let reads: Vec<_> = stream::iter(reads).buffered(MAX_CONCURRENT_READS).collect().await;
    let same_values = same_values(&reads);
    let check = |(name, result): &(&str, Result<Secret, Error>)| SecretCheck {
        name: (*name).to_owned(),
        outcome: match result {
            Ok(secret) => {
                SecretOutcome::Found(found(inner, name, secret, same_values.get(name).cloned()))
            }
            Err(error) => failed(name, error),
        },
    };
    reads.iter().map(check).collect()
}

/// Returns the names that the configuration references, in its order, and the further names that
/// it hosts. Each once, and without those that a gateway resolves itself.
fn names(settings: &Settings) -> Vec<&str> {
    let hosted = settings.hosted_keys.iter().flatten();
    let names = settings.references.iter().chain(hosted).map(|name| strip_reference(name));
    let mut seen = HashSet::new();
    names.filter(|name| !is_resolved_by_gateway(name) && seen.insert(*name)).collect()
}

/// Returns the names whose value another name has too, each with the other names.
fn same_values<'n>(reads: &[(&'n str, Result<Secret, Error>)]) -> HashMap<&'n str, Vec<String>> {
    let mut by_value: HashMap<&str, Vec<&'n str>> = HashMap::new();
    let found = reads.iter().filter_map(|(name, result)| Some((*name, result.as_ref().ok()?)));
    for (name, secret) in found.filter(|(_, secret)| !secret.expose().is_empty()) {
        by_value.entry(secret.expose()).or_default().push(name);
    }
    let groups = by_value.into_values().filter(|names| names.len() > 1);
    let others = |names: &[&str], name: &str| {
        names.iter().filter(|other| **other != name).map(|other| (*other).to_owned()).collect()
    };
    groups
        .flat_map(|names| {
            names.iter().map(|name| (*name, others(&names, name))).collect::<Vec<_>>()
        })
        .collect()
}

fn found(inner: &Inner, name: &str, secret: &Secret, same: Option<Vec<String>>) -> FoundSecret {
    let source = secret.source();
    let path = (source != Source::Environment).then(|| inner.path(name).ok()).flatten();
    let form = ValueWarning::detect(secret.expose()).map(SecretWarning::Form);
    let deletion = deletion(secret).map(SecretWarning::DeletionNear);
    let same = same.map(SecretWarning::SameValue);
    FoundSecret {
        source,
        path: path.map(|path| inner.kv.mount().data(&path)),
        version: secret.version(),
        age: secret.version_age(),
        length: secret.expose().len(),
        warnings: form.chain(deletion).chain(same).collect(),
    }
}

/// Returns the time of a deletion that is near, or that can't be compared with the present.
fn deletion(secret: &Secret) -> Option<String> {
    let (time, remaining) = secret.deletion()?;
    remaining.is_none_or(|remaining| remaining < DELETION_NEAR).then(|| time.to_owned())
}

fn failed(name: &str, error: &Error) -> SecretOutcome {
    let is_missing = error.kind() == ErrorKind::NotFound && error.reason() != Reason::MountMissing;
    if is_missing && is_reserved(name) {
        return SecretOutcome::Skipped("a setting or a credential, which is not read as a secret");
    }
    SecretOutcome::Failed(error.clone())
}
