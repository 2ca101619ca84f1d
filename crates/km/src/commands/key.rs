//! `km key …`: the virtual keys of the gateway, or of a team.

use km_proxy_adapter::{
    Error, ErrorKind, KeyAlias, KeyChange, KeyManager, SecretLocation, StoreOutcome, VaultValidator,
};
use km_settings::TeamSettings;
use serde::Serialize;

use crate::cli::{
    Common, Key, KeyDelete, KeyList, KeyName, KeyRead, KeyRename, KeyRotate, KeyStore,
};
use crate::commands::list;
use crate::config;
use crate::error::Failure;
use crate::io::{input, log, output};

/// The virtual keys that the command is about.
struct Command {
    keys: km_proxy_adapter::VirtualKeys,
    json: bool,
}

pub(crate) async fn run(common: &Common, command: Key) -> Result<(), Failure> {
    let team = match &common.team_settings {
        Some(given) => team(given).await.map(Some),
        None => Ok(None),
    };
    let keys = config::connect(common).await;
    let (team, keys) = both(team, keys)?;
    let keys = keys.virtual_keys(team.as_ref())?;
    let run = Command { keys, json: common.json };
    match command {
        Key::Store(args) => run.store(args).await,
        Key::Read(args) => run.read(args).await,
        Key::List(args) => run.list(args).await,
        Key::Rotate(args) => run.rotate(args).await,
        Key::Rename(args) => run.rename(args).await,
        Key::Delete(args) => run.delete(args).await,
    }
}

impl Command {
    async fn store(&self, args: KeyStore) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        if args.place.explain {
            return self.explain([&alias]);
        }
        self.keys.locate(&alias)?;
        let value = input::value(&args.input).await?;
        let stored = self.keys.store(&alias, value, args.description.as_deref()).await?;
        self.tell(&stored)
    }

    async fn read(&self, args: KeyRead) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        if args.place.explain {
            return self.explain([&alias]);
        }
        output::secret(&self.keys.read(&alias).await?.value)
    }

    async fn list(&self, args: KeyList) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Document {
            aliases: Vec<String>,
            #[serde(skip_serializing_if = "Option::is_none")]
            deleted: Option<Vec<String>>,
        }
        if args.place.explain {
            return self.show([self.keys.locate_all()]);
        }
        let listing = self.keys.list().await?;
        if self.json {
            let (aliases, deleted) = list::texts(&listing, args.all);
            return output::json(&Document { aliases, deleted });
        }
        list::lines(&listing, args.all)
    }

    async fn rotate(&self, args: KeyRotate) -> Result<(), Failure> {
        let alias = alias(&args.name)?;
        let to = args.to.as_deref().map(KeyAlias::new).transpose()?;
        if args.place.explain {
            return self.explain([&alias].into_iter().chain(&to));
        }
        for name in [&alias].into_iter().chain(&to) {
            self.keys.locate(name)?;
        }
        let value = input::value(&args.input).await?;
        self.tell(&self.keys.rotate(&alias, to.as_ref(), value).await?)
    }

    async fn rename(&self, args: KeyRename) -> Result<(), Failure> {
        let (old, new) = (KeyAlias::new(&args.old)?, KeyAlias::new(&args.new)?);
        if args.place.explain {
            return self.explain([&old, &new]);
        }
        self.tell(&self.keys.rename(&old, &new).await?)
    }

    async fn delete(&self, args: KeyDelete) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Document<'a> {
            deleted: &'a str,
        }
        let alias = alias(&args.name)?;
        if args.place.explain {
            return self.explain([&alias]);
        }
        let path = self.keys.delete(&alias).await?;
        if self.json {
            return output::json(&Document { deleted: path.as_str() });
        }
        output::lines([format!("deleted {path}")])
    }

    /// Tells where each of these keys is.
    fn explain<'a>(&self, aliases: impl IntoIterator<Item = &'a KeyAlias>) -> Result<(), Failure> {
        let places: Result<Vec<_>, Error> =
            aliases.into_iter().map(|alias| self.keys.locate(alias)).collect();
        self.show(places?)
    }

    fn show(&self, places: impl IntoIterator<Item = SecretLocation>) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Document {
            places: Vec<Line>,
        }
        #[derive(Serialize)]
        struct Line {
            path: String,
            field: String,
        }
        let lines = places.into_iter().filter_map(|place| match place {
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

    /// Tells what was done, or that nothing was.
    fn tell(&self, stored: &StoreOutcome) -> Result<(), Failure> {
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
        let StoreOutcome::Done(KeyChange { path, version, deleted, .. }) = stored else {
            log::write("km: skipped: store_virtual_keys is off, so no virtual key is stored\n");
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
        KeyName { token_id: Some(id), .. } => KeyAlias::of_token(id),
        KeyName { alias, .. } => KeyAlias::new(alias.as_deref().unwrap_or_default()),
    }
}

/// The team's settings from their JSON, or from the file after an `@`.
async fn team(given: &str) -> Result<TeamSettings, Failure> {
    const HINT: &str = "--team-settings @FILE names a team's JSON";
    let text = match given.strip_prefix('@') {
        Some(file) => config::text(file.as_ref(), HINT).await?,
        None => given.to_owned().into(),
    };
    let team = TeamSettings::from_json(&text, &VaultValidator);
    team.map_err(|problems| Error::from(problems).into())
}

/// Both, or all that is wrong with either.
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
