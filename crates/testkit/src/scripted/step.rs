//! The steps of a script.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::answer::Answer;

/// One action on a connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads a complete request.
    Read,
    /// Writes these bytes.
    Send(Bytes),
    /// Writes these bytes one by one, with a pause after each.
    Dribble(Bytes, Duration),
    /// Writes these bytes several times.
    Repeat(Bytes, usize),
    /// Waits.
    Wait(Duration),
    /// Keeps the connection open without reading or writing.
    Hang,
    /// Closes the connection (FIN).
    Close,
    /// Resets the connection (RST).
    Reset,
    /// Forwards all bytes to this address and back.
    Relay(SocketAddr),
}

impl From<Answer> for Step {
    fn from(answer: Answer) -> Self {
        Self::Send(answer.bytes().into())
    }
}

impl From<Answer> for Vec<Step> {
    fn from(answer: Answer) -> Self {
        vec![answer.into()]
    }
}
