//! The script of a server.

use super::record::Request;
use super::step::Step;

type ByConnection = dyn Fn(usize) -> Vec<Step> + Send + Sync;
type ByRequest = dyn Fn(&Request) -> Vec<Step> + Send + Sync;

/// The steps of a scripted server.
pub(crate) enum Script {
    /// Steps by the number of the connection, counted from 0.
    Connection(Box<ByConnection>),
    /// Steps for each complete request.
    Request(Box<ByRequest>),
}
