//! The reference for operations in memory: a look-up in a plain, unsynchronized map of 1,000 names
//! of 40 bytes.

use std::collections::HashMap;
use std::hint::black_box;

/// The number of names, as in a large gateway.
const NAMES: usize = 1_000;

/// The map, and the order of look-ups.
#[derive(Debug)]
pub struct Names {
    values: HashMap<String, String, foldhash::fast::FixedState>,
    asked: Vec<String>,
}

impl Names {
    /// Creates names of 40 bytes with values of 51 bytes.
    pub fn new() -> Self {
        let name = |number: usize| format!("providers/openai/production/key-{number:08}");
        let values = (0..NAMES).map(|number| (name(number), "x".repeat(51))).collect();
        // 617 and 1,000 are coprime, so that each name occurs once.
        let asked = (0..NAMES).map(|number| name(number * 617 % NAMES)).collect();
        Self { values, asked }
    }

    /// Looks up one name.
    pub fn look_up(&self, number: u64) -> Option<&str> {
        let place = usize::try_from(number).unwrap_or_default() % NAMES;
        let asked = self.asked.get(place)?;
        self.values.get(black_box(asked.as_str())).map(String::as_str)
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}
