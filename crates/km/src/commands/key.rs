//! `km key`: manages the virtual keys of the gateway or of a team.

use km_proxy_adapter::{
    Error, ErrorKind, KeyAlias, KeyChange, KeyManager, ListProgress, SecretLocation, Source,
    StoreOutcome, VaultValidator,
};
use km_settings::TeamSettings;
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::cli::{
    GlobalArgs, KeyCommand, KeyDeleteArgs, KeyDestroyArgs, KeyHistoryArgs, KeyListArgs, KeyName,
    KeyReadArgs, KeyRenameArgs, KeyRotateArgs, KeyStoreArgs, KeyUndeleteArgs,
};
use crate::commands::{list, read, versions};
use crate::config;
use crate::error::Failure;
use crate::io::{input, output, progress, stderr};

/// The virtual keys of one owner, and the output format.
struct Keys {
    keys: km_proxy_adapter::VirtualKeys,
    json: bool,
}

pub(crate) async fn run(global: &GlobalArgs, command: KeyCommand) -> Result<(), Failure> {
    let team = match &global.team_settings {
        Some(argument) => team_settings(argument).await.map(Some),
        None => Ok(None),
    };
    let keys = config::connect(global).await;
    let (team, keys) = both(team, keys)?;
    let keys = keys.virtual_keys(team.as_ref())?;
    let keys = Keys { keys, json: global.json };
    match command {
        KeyCommand::Store(args) => keys.store(args).await,
        KeyCommand::Read(args) => keys.read(args).await,
        KeyCommand::List(args) => keys.list(args).await,
        KeyCommand::Rotate(args) => keys.rotate(args).await,
        KeyCommand::Rename(args) => keys.rename(args).await,
        KeyCommand::Delete(args) => keys.delete(args).await,
        KeyCommand::History(args) => keys.history(args).await,
        KeyCommand::Undelete(args) => keys.undelete(args).await,
        KeyCommand::Destroy(args) => keys.destroy(args).await,
    }
}

impl Keys {
    async fn store(&self, args: KeyStoreArgs) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        if args.explain.explain {
            return self.explain([&alias]);
        }
        self.keys.locate(&alias)?;
        let value = input::value(&args.value, alias.as_str(), self.json).await?;
        let stored = self.keys.store(&alias, value, args.description.as_deref()).await?;
        self.print_outcome(&stored)
    }

    async fn read(&self, args: KeyReadArgs) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        if args.explain.explain {
            return self.explain([&alias]);
        }
        let key = self.keys.read_version(&alias, args.version).await?;
        if self.json {
            return output::secret_json(&read::Document {
                name: alias.as_str(),
                value: read::Value::Text(key.value.expose_secret()),
                version: Some(key.version),
                source: Source::Vault.as_str(),
                age_seconds: Some(0),
            });
        }
        output::secret(&key.value)
    }

    async fn list(&self, args: KeyListArgs) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Document {
            names: Vec<String>,
            /// The former name of the same list, which scripts may use.
            aliases: Vec<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            deleted: Option<Vec<String>>,
        }
        if args.explain.explain {
            return self.print_locations([self.keys.locate_folder()]);
        }
        let listing = progress::during(list::LISTING, 0, async |progress| {
            let on_progress = |listed: ListProgress| progress.set(listed.completed, listed.total);
            self.keys.list_with_progress(on_progress).await
        });
        let listing = listing.await?;
        if self.json {
            let (names, deleted) = list::live_and_deleted(&listing, args.all);
            return output::json(&Document { aliases: names.clone(), names, deleted });
        }
        list::print(&listing, args.all)
    }

    async fn rotate(&self, args: KeyRotateArgs) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        let to = args.to.as_deref().map(KeyAlias::new).transpose()?;
        if args.explain.explain {
            return self.explain([&alias].into_iter().chain(&to));
        }
        for name in [&alias].into_iter().chain(&to) {
            self.keys.locate(name)?;
        }
        let value = input::value(&args.value, alias.as_str(), self.json).await?;
        self.print_outcome(&self.keys.rotate(&alias, to.as_ref(), value).await?)
    }

    async fn rename(&self, args: KeyRenameArgs) -> Result<(), Failure> {
        let (old, new) = (KeyAlias::new(&args.old)?, KeyAlias::new(&args.new)?);
        if args.explain.explain {
            return self.explain([&old, &new]);
        }
        self.print_outcome(&self.keys.rename(&old, &new).await?)
    }

    async fn delete(&self, args: KeyDeleteArgs) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Document<'a> {
            deleted: &'a str,
        }
        let alias = alias(&args.name)?;
        if args.explain.explain {
            return self.explain([&alias]);
        }
        let path = self.keys.delete(&alias).await?;
        if self.json {
            return output::json(&Document { deleted: path.as_str() });
        }
        output::lines([format!("deleted {path}")])
    }

    async fn history(&self, args: KeyHistoryArgs) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        if args.explain.explain {
            return self.explain([&alias]);
        }
        let history = self.keys.history(&alias).await?;
        versions::print_history(alias.as_str(), &history, args.limit.limit, self.json)
    }

    async fn undelete(&self, args: KeyUndeleteArgs) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        if args.explain.explain {
            return self.explain([&alias]);
        }
        let undeleted = self.keys.undelete(&alias, args.version.version).await?;
        versions::print_undeleted(&undeleted, self.json)
    }

    async fn destroy(&self, args: KeyDestroyArgs) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        if args.explain.explain {
            return self.explain([&alias]);
        }
        let destroyed = self.keys.destroy(&alias, &args.versions.versions).await?;
        versions::print_destroyed(&destroyed, self.json)
    }

    /// Prints the location of each key.
    fn explain<'a>(&self, aliases: impl IntoIterator<Item = &'a KeyAlias>) -> Result<(), Failure> {
        let locations: Result<Vec<_>, Error> =
            aliases.into_iter().map(|alias| self.keys.locate(alias)).collect();
        self.print_locations(locations?)
    }

    fn print_locations(
        &self,
        locations: impl IntoIterator<Item = SecretLocation>,
    ) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Document {
            places: Vec<Line>,
        }
        #[derive(Serialize)]
        struct Line {
            path: String,
            field: String,
        }
        let lines = locations.into_iter().filter_map(|location| match location {
            SecretLocation::Vault { path, field } => {
                Some(Line { path: format!("/v1/{path}"), field })
            }
            SecretLocation::Environment => None,
        });
        let places: Vec<_> = lines.collect();
        if self.json {
            return output::json(&Document { places });
        }
        output::lines(places.iter().map(|Line { path, field }| format!("{path} field {field}")))
    }

    /// Prints where the key was stored, or that `store_virtual_keys` is off.
    fn print_outcome(&self, stored: &StoreOutcome) -> Result<(), Failure> {
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Document<'a> {
            Done {
                path: &'a str,
                version: u64,
                #[serde(skip_serializing_if = "Option::is_none")]
                deleted: Option<String>,
            },
            Skipped {
                skipped: bool,
            },
        }
        let StoreOutcome::Stored(KeyChange { path, version, deleted, .. }) = stored else {
            stderr::write("km: skipped: store_virtual_keys is false\n");
            return if self.json {
                output::json(&Document::Skipped { skipped: true })
            } else {
                Ok(())
            };
        };
        if self.json {
            let (path, deleted) = (path.as_str(), deleted.as_ref().map(ToString::to_string));
            return output::json(&Document::Done { path, version: *version, deleted });
        }
        let stored = format!("stored {path} version {version}");
        let deleted = deleted.iter().map(|path| format!("deleted {path}"));
        output::lines(std::iter::once(stored).chain(deleted))
    }
}

fn alias(name: &KeyName) -> Result<KeyAlias, Error> {
    match name {
        KeyName { token_id: Some(id), .. } => KeyAlias::from_token_id(id),
        KeyName { alias, .. } => KeyAlias::new(alias.as_deref().unwrap_or_default()),
    }
}

/// Parses the argument of `--team-settings`: JSON, or `@` and the path of a file with it.
async fn team_settings(argument: &str) -> Result<TeamSettings, Failure> {
    const HINT: &str = "set --team-settings @FILE to a file with a team's settings as JSON";
    let text = match argument.strip_prefix('@') {
        Some(file) => config::read_text(file.as_ref(), HINT).await?,
        None => argument.to_owned().into(),
    };
    let team = TeamSettings::from_json(&text, &VaultValidator);
    team.map_err(|problems| Error::from(problems).into())
}

/// Combines two outcomes. If both are settings errors, all problems are reported at once.
fn both(
    team: Result<Option<TeamSettings>, Failure>,
    keys: Result<KeyManager, Failure>,
) -> Result<(Option<TeamSettings>, KeyManager), Failure> {
    match (team, keys) {
        (Ok(team), Ok(keys)) => Ok((team, keys)),
        (Err(failure), Err(other)) if other.kind() == ErrorKind::Settings => {
            Err(failure.and(other))
        }
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}
