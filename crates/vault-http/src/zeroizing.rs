//! Buffers that are zeroized on drop and on reallocation.

pub use zeroize::Zeroizing;

/// Bytes that may hold a secret.
pub type ZeroizingBytes = Zeroizing<Vec<u8>>;

/// Appends `more` to `buffer`, unless the buffer would then exceed `limit` bytes. Returns whether
/// it was appended.
///
/// If the buffer is reallocated, its old memory is zeroized, which `Vec` does not do.
pub fn append(buffer: &mut ZeroizingBytes, more: &[u8], limit: usize) -> bool {
    let needed = buffer.len().saturating_add(more.len());
    if needed > limit {
        return false;
    }
    if needed > buffer.capacity() {
        let mut larger = ZeroizingBytes::new(Vec::with_capacity((needed * 2).min(limit)));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
    buffer.extend_from_slice(more);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn append_beyond_the_limit_changes_nothing() {
        let mut buffer = ZeroizingBytes::default();
        assert!(append(&mut buffer, b"1234", 8));
        assert!(append(&mut buffer, b"5678", 8));
        assert!(!append(&mut buffer, b"9", 8));
        assert_eq!(buffer.as_slice(), b"12345678");
    }
}
