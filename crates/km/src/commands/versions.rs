//! `km history`, `km undelete` and `km destroy`, and the output that `km key` shares with them.

use km_proxy_adapter::{Attribution, History, HistoryEntry, KeyManager, NameState, VersionChange};
use serde::Serialize;

use crate::cli::{DestroyArgs, HistoryArgs, UndeleteArgs};
use crate::error::Failure;
use crate::io::styled::{Span, Tone};
use crate::io::table::Table;
use crate::io::{output, stderr};

pub(crate) async fn history(
    keys: &KeyManager,
    args: HistoryArgs,
    json: bool,
) -> Result<(), Failure> {
    let history = keys.history(&args.name).await?;
    let name = km_proxy_adapter::parse_reference(&args.name)?;
    print_history(name, &history, args.limit.limit, json)
}

pub(crate) async fn undelete(
    keys: &KeyManager,
    args: UndeleteArgs,
    json: bool,
) -> Result<(), Failure> {
    print_undeleted(&keys.undelete(&args.name, args.version.version).await?, json)
}

pub(crate) async fn destroy(
    keys: &KeyManager,
    args: DestroyArgs,
    json: bool,
) -> Result<(), Failure> {
    print_destroyed(&keys.destroy(&args.name, &args.versions.versions).await?, json)
}

/// Prints the newest versions, at most `limit`, and a note about the others.
pub(super) fn print_history(
    name: &str,
    history: &History,
    limit: u64,
    json: bool,
) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document<'a> {
        name: &'a str,
        current_version: u64,
        versions: Vec<Row<'a>>,
        omitted: usize,
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let omitted = history.versions.len().saturating_sub(limit);
    let current_version = history.current_version;
    let versions: Vec<_> = history
        .versions
        .iter()
        .take(limit)
        .map(|entry| Row::new(entry, entry.version == current_version))
        .collect();
    if omitted > 0 {
        stderr::write(&format!("km: {omitted} older versions are not printed; raise --limit\n"));
    }
    if json {
        return output::json(&Document { name, current_version, versions, omitted });
    }
    let mut table = Table::new(HEADER);
    for version in &versions {
        table.row(version.row());
    }
    output::table(table)
}

/// Prints the version that was undeleted, or a note that there is none.
pub(super) fn print_undeleted(change: &VersionChange, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document<'a> {
        path: &'a str,
        version: Option<u64>,
    }
    let version = change.versions.first().copied();
    if version.is_none() {
        stderr::write("km: nothing to undelete: the version is not deleted\n");
    }
    if json {
        return output::json(&Document { path: change.path.as_str(), version });
    }
    print_lines("undeleted", change)
}

/// Prints the versions that were destroyed.
pub(super) fn print_destroyed(change: &VersionChange, json: bool) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document<'a> {
        path: &'a str,
        versions: &'a [u64],
    }
    if json {
        let (path, versions) = (change.path.as_str(), change.versions.as_slice());
        return output::json(&Document { path, versions });
    }
    print_lines("destroyed", change)
}

fn print_lines(
    what: &str,
    VersionChange { path, versions, .. }: &VersionChange,
) -> Result<(), Failure> {
    output::lines(versions.iter().map(|version| format!("{what} {path} version {version}")))
}

const HEADER: [&str; 6] = ["VERSION", "STATE", "CREATED", "BY", "DELETED", "BY"];

/// A version as it is printed.
#[derive(Serialize)]
struct Row<'a> {
    version: u64,
    current: bool,
    state: &'static str,
    created: &'a str,
    created_by: Option<Login<'a>>,
    deleted: Option<&'a str>,
    deleted_by: Option<Login<'a>>,
    destroyed: bool,
}

/// The login by which a version was changed.
#[derive(Serialize)]
struct Login<'a> {
    actor: &'a str,
    entity_id: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn new(entry: &'a HistoryEntry, current: bool) -> Self {
        Self {
            version: entry.version,
            current,
            state: match entry.state {
                NameState::Live => "live",
                NameState::Deleted => "deleted",
                NameState::Destroyed => "destroyed",
                NameState::Unknown => "unknown",
            },
            created: &entry.created,
            created_by: entry.created_by.as_ref().map(Login::new),
            deleted: entry.deletion_time.as_deref(),
            deleted_by: entry.deleted_by.as_ref().map(Login::new),
            destroyed: entry.state == NameState::Destroyed,
        }
    }

    fn row(&self) -> [Span; 6] {
        let plain = |text: &str| Span::new(text, Tone::Plain);
        let by = |login: &Option<Login<'_>>| {
            Span::or_dash(login.as_ref().map(Login::text).as_deref(), Tone::Plain)
        };
        let (current, tone) = match (self.current, self.state) {
            (true, "live") => (" current", Tone::Good),
            (true, _) => (" current", Tone::Warning),
            (false, "live") => ("", Tone::Plain),
            (false, _) => ("", Tone::Faint),
        };
        [
            plain(&self.version.to_string()),
            Span::new(&format!("{}{current}", self.state), tone),
            plain(self.created),
            by(&self.created_by),
            Span::or_dash(self.deleted, Tone::Plain),
            by(&self.deleted_by),
        ]
    }
}

impl<'a> Login<'a> {
    fn new(attribution: &'a Attribution) -> Self {
        Self { actor: &attribution.actor, entity_id: attribution.entity_id.as_deref() }
    }

    fn text(&self) -> String {
        match self.entity_id {
            Some(entity) => format!("{} (entity {entity})", self.actor),
            None => self.actor.to_owned(),
        }
    }
}
