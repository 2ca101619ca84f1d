//! A change of a virtual key: its execution, its audit events and its response.

use km_proxy_adapter::{Error, KeyAlias, KeyChange, StoreOutcome, VirtualKeys};
use secrecy::SecretString;
use serde::Serialize;

use crate::commands::serve::app::App;
use crate::commands::serve::operation::Operation;
use crate::commands::serve::peer::Peer;

/// A change of a virtual key, with its arguments.
pub(super) enum Change {
    /// Stores a value under an alias, with a description.
    Store(KeyAlias, SecretString, Option<String>),
    /// Replaces the value of an alias, and the alias if there is a second one.
    Rotate(KeyAlias, Option<KeyAlias>, SecretString),
    /// Replaces an alias by another.
    Rename(KeyAlias, KeyAlias),
    /// Deletes the latest version of an alias.
    Delete(KeyAlias),
}

/// The body of a response.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Document {
    Stored {
        path: String,
        version: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        deleted: Option<String>,
    },
    Skipped {
        skipped: bool,
    },
    Deleted {
        deleted: String,
    },
}

impl Change {
    /// Executes the change and logs it to the audit log.
    pub(super) async fn execute(
        self,
        app: &App,
        keys: &VirtualKeys,
        client: &Peer,
    ) -> Result<Document, Error> {
        let (name, alias) = match &self {
            Self::Store(alias, ..) => ("store", alias),
            Self::Rotate(alias, ..) => ("rotate", alias),
            Self::Rename(alias, ..) => ("rename", alias),
            Self::Delete(alias) => ("delete", alias),
        };
        let (operation, alias) = (Operation::native(name), alias.to_string());
        let document = operation.run(app, alias, Box::pin(self.apply(keys))).await?;
        match &document {
            Document::Stored { path, version, deleted } => {
                operation.audit_change(client, path, Some(*version));
                if let Some(path) = deleted {
                    operation.audit_change(client, path, None);
                }
            }
            Document::Deleted { deleted } => operation.audit_change(client, deleted, None),
            Document::Skipped { .. } => {}
        }
        Ok(document)
    }

    async fn apply(self, keys: &VirtualKeys) -> Result<Document, Error> {
        let outcome = match self {
            Self::Store(alias, value, description) => {
                keys.store(&alias, value, description.as_deref()).await?
            }
            Self::Rotate(alias, to, value) => keys.rotate(&alias, to.as_ref(), value).await?,
            Self::Rename(from, to) => keys.rename(&from, &to).await?,
            Self::Delete(alias) => {
                let deleted = keys.delete(&alias).await?.to_string();
                return Ok(Document::Deleted { deleted });
            }
        };
        Ok(match outcome {
            StoreOutcome::Skipped => Document::Skipped { skipped: true },
            StoreOutcome::Stored(KeyChange { path, version, deleted, .. }) => Document::Stored {
                path: path.to_string(),
                version,
                deleted: deleted.map(|path| path.to_string()),
            },
        })
    }
}
