//! Names that no other test, process or earlier run uses.

use std::hash::{BuildHasher, RandomState};

/// Returns 16 random hexadecimal digits. Not for cryptography.
pub fn unique() -> String {
    format!("{:016x}", random())
}

pub(crate) fn random() -> u64 {
    // Each `RandomState` has its own random keys.
    RandomState::new().hash_one(std::process::id())
}
