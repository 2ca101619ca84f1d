//! Byte buffers that leave nothing behind: wiped when dropped, and when they grow.

use std::io;

use bytes::Bytes;
use serde::Serialize;
use zeroize::Zeroizing;

/// Bytes that may hold a secret.
pub(crate) type Wiped = Zeroizing<Vec<u8>>;

/// Appends within `limit`; `false` when that would exceed it. The old memory is wiped on growth,
/// which `Vec` itself would not do.
pub(crate) fn append(buffer: &mut Wiped, more: &[u8], limit: usize) -> bool {
    let needed = buffer.len().saturating_add(more.len());
    if needed > limit {
        return false;
    }
    if needed > buffer.capacity() {
        let mut larger = Wiped::new(Vec::with_capacity((needed * 2).min(limit)));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(more);
    true
}

/// `value` as JSON in one allocation of the right size, wiped when the last clone goes.
pub(crate) fn json(value: &impl Serialize) -> Result<Bytes, serde_json::Error> {
    let mut size = Count(0);
    serde_json::to_writer(&mut size, value)?;
    let mut buffer = Wiped::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *buffer, value)?;
    Ok(Bytes::from_owner(buffer))
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appending_stops_at_the_limit() {
        let mut buffer = Wiped::default();
        assert!(append(&mut buffer, b"1234", 8));
        assert!(append(&mut buffer, b"5678", 8));
        assert!(!append(&mut buffer, b"9", 8));
        assert_eq!(buffer.as_slice(), b"12345678");
    }

    #[test]
    fn json_is_allocated_once() {
        let body = json(&serde_json::json!({"key": "clé \" \n"})).unwrap();
        assert_eq!(body, r#"{"key":"clé \" \n"}"#);
    }
}
