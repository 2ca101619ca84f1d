//! Free ports in pairs, because a server uses the next port for its cluster.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::sync::{Mutex, PoisonError};

use anyhow::{Result, bail};

use crate::unique::random;

/// Below the range of ephemeral ports (Linux: from 32768).
const FIRST: u64 = 20_000;
const PAIRS: u64 = 6_000;

static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Returns an even port that is free together with the next one, and that this process did not
/// return before. Another process may still take it, so that the caller must be ready to try again.
pub(crate) fn free_pair() -> Result<u16> {
    for _ in 0..100 {
        let port = u16::try_from(FIRST + 2 * (random() % PAIRS))?;
        let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
        if is_free(port) && is_free(port + 1) && given.insert(port) {
            return Ok(port);
        }
    }
    bail!("no two free ports in a row between {FIRST} and {}", FIRST + 2 * PAIRS)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}
