//! Serialization into memory that is zeroized.

use std::io;

use serde::Serialize;

use crate::zeroizing::ZeroizingBytes;

/// Serializes `value` into a single allocation of the exact size.
///
/// # Errors
/// If `value` cannot be represented as JSON, for example a map whose keys are not strings.
pub fn to_vec(value: &impl Serialize) -> Result<ZeroizingBytes, serde_json::Error> {
    let mut size = ByteCount(0);
    serde_json::to_writer(&mut size, value)?;
    let mut buffer = ZeroizingBytes::new(Vec::with_capacity(size.0));
    serde_json::to_writer(&mut *buffer, value)?;
    Ok(buffer)
}

/// A writer that counts bytes.
struct ByteCount(usize);

impl io::Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
