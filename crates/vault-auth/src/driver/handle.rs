//! The channels and shared state through which a token source uses its driver.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use vault_http::{Denial, Generation};

use crate::machine::Liveness;
use crate::shared::Shared;
use crate::status::Snapshot;

/// The channel on which the outcome of a denial is sent to all callers that wait for it.
pub(crate) type Outcome = Arc<watch::Sender<Option<Liveness>>>;

/// A message from a token source to its driver.
#[derive(Debug)]
pub(crate) enum Message {
    /// A 403, sent once for each pending denial.
    Denied(Denial),
    /// The token has few uses left, or none if `exhausted`.
    UsesLow { generation: Generation, exhausted: bool },
    /// The credentials may have changed.
    Reload,
    /// Stop, and revoke the tokens first if `revoke`.
    ShutDown { revoke: bool, done: oneshot::Sender<()> },
}

/// A token source's side of its driver.
#[derive(Debug)]
pub(crate) struct DriverHandle {
    pub(crate) shared: Arc<Shared<Outcome>>,
    pub(crate) messages: mpsc::UnboundedSender<Message>,
    pub(crate) snapshots: watch::Receiver<Snapshot>,
}
