//! Responses as bytes: a status, headers and a body.

use std::fmt::Write as _;

/// A response.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

/// Returns a response with a JSON body and its length.
pub fn json(status: u16, body: impl ToString) -> Answer {
    raw(status, body.to_string()).header("Content-Type", "application/json").sized()
}

/// Returns a response with a body and without headers.
pub fn raw(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: String::new(), body: body.into() }
}

impl Answer {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    /// Adds the length of the body.
    #[must_use]
    pub fn sized(self) -> Self {
        let length = self.body.len().to_string();
        self.header("Content-Length", &length)
    }

    /// Sends the body in chunks of this size.
    #[must_use]
    pub fn chunked(mut self, size: usize) -> Self {
        let mut body = Vec::new();
        for chunk in self.body.chunks(size) {
            body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            body.extend_from_slice(chunk);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\n\r\n");
        self.body = body;
        self.header("Transfer-Encoding", "chunked")
    }

    /// Returns all bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Returns the status line and the headers.
    pub fn head(&self) -> Vec<u8> {
        format!("HTTP/1.1 {} Scripted\r\n{}\r\n", self.status, self.headers).into_bytes()
    }
}
