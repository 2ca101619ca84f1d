//! A change of a virtual key: made, told, and what became of it.

use km_proxy_adapter::{Error, KeyAlias, KeyChange, StoreOutcome, VirtualKeys};
use secrecy::SecretString;
use serde::Serialize;

use crate::commands::serve::app::App;
use crate::commands::serve::operation::Operation;
use crate::commands::serve::server::Peer;

/// What is to be done, with all that it needs.
pub(super) enum Change {
    Store(KeyAlias, SecretString, Option<String>),
    Rotate(KeyAlias, Option<KeyAlias>, SecretString),
    Rename(KeyAlias, KeyAlias),
    Delete(KeyAlias),
}

/// What became of a key.
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
    /// Makes it, and tells who did.
    pub(super) async fn make(
        self,
        app: &App,
        keys: &VirtualKeys,
        peer: &Peer,
    ) -> Result<Document, Error> {
        let operation = Operation::own(match self {
            Self::Store(..) => "store",
            Self::Rotate(..) => "rotate",
            Self::Rename(..) => "rename",
            Self::Delete(..) => "delete",
        });
        let place = match &self {
            Self::Store(alias, ..)
            | Self::Rotate(alias, ..)
            | Self::Rename(alias, ..)
            | Self::Delete(alias) => alias.to_string(),
        };
        let document = operation.run(app, place, Box::pin(self.apply(keys))).await?;
        match &document {
            Document::Stored { path, version, deleted } => {
                operation.audit(peer, path, Some(*version));
                if let Some(path) = deleted {
                    operation.audit(peer, path, None);
                }
            }
            Document::Deleted { deleted } => operation.audit(peer, deleted, None),
            Document::Skipped { .. } => {}
        }
        Ok(document)
    }

    async fn apply(self, keys: &VirtualKeys) -> Result<Document, Error> {
        let stored = match self {
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
        Ok(match stored {
            StoreOutcome::Skipped => Document::Skipped { skipped: true },
            StoreOutcome::Done(KeyChange { path, version, deleted, .. }) => Document::Stored {
                path: path.to_string(),
                version,
                deleted: deleted.map(|path| path.to_string()),
            },
        })
    }
}
