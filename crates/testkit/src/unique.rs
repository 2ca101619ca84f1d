//! Names that no other test, process or earlier run has.

use std::hash::{BuildHasher, RandomState};

/// Random enough to be nobody else's: 16 hexadecimal digits. Not for cryptography.
pub fn unique() -> String {
    format!("{:016x}", random())
}

pub(crate) fn random() -> u64 {
    // Each `RandomState` has keys of its own, taken from the system's randomness.
    RandomState::new().hash_one(std::process::id())
}
