//! Answers as bytes: a status, headers as they are given, a body.

use std::fmt::Write as _;

/// An answer to be written.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

/// An answer with a JSON body and its length.
pub fn json(status: u16, body: impl ToString) -> Answer {
    raw(status, body.to_string()).header("Content-Type", "application/json").sized()
}

/// An answer with a body and no headers.
pub fn raw(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: String::new(), body: body.into() }
}

impl Answer {
    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        // Writing to a string can't fail.
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    /// Tells the length of the body.
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

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The status line and the headers.
    pub fn head(&self) -> Vec<u8> {
        format!("HTTP/1.1 {} Scripted\r\n{}\r\n", self.status, self.headers).into_bytes()
    }
}
