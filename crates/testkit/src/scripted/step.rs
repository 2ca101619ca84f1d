//! One thing that a scripted server does on a connection.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use super::answer::Answer;

/// One thing that is done on a connection, in the order of the script.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads a whole request.
    Read,
    /// Writes these bytes.
    Send(Bytes),
    /// Writes them one by one, with this time between.
    Dribble(Bytes, Duration),
    /// Writes these bytes so many times.
    Repeat(Bytes, usize),
    /// Does nothing for a while.
    Wait(Duration),
    /// Neither reads nor writes any more, and keeps the connection.
    Hang,
    /// Ends the connection in order (FIN).
    Close,
    /// Breaks it off (RST).
    Reset,
    /// Passes everything on to this address and back.
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
