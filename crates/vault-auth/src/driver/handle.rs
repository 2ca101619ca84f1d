//! What a token source needs of its driver.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use vault_http::{Denial, Generation};

use crate::machine::Liveness;
use crate::shared::Shared;
use crate::status::Snapshot;

/// Where the outcome of a denial is put, for all callers that wait for it.
pub(crate) type Outcome = Arc<watch::Sender<Option<Liveness>>>;

/// What the clones tell the driver.
#[derive(Debug)]
pub(crate) enum Message {
    /// A 403; once for each case.
    Denied(Denial),
    /// A use was taken, and few are left, or none.
    UsesLow { generation: Generation, exhausted: bool },
    /// The credentials may be others now.
    Reload,
    /// The end, and whether tokens are to be revoked.
    ShutDown { revoke: bool, done: oneshot::Sender<()> },
}

/// What a token source needs of its driver.
#[derive(Debug)]
pub(crate) struct DriverHandle {
    pub(crate) shared: Arc<Shared<Outcome>>,
    pub(crate) messages: mpsc::UnboundedSender<Message>,
    pub(crate) snapshots: watch::Receiver<Snapshot>,
}
