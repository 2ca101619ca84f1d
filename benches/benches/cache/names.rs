//! Names of 40 bytes, values of 51 bytes, and the loop of look-ups.

use std::time::Duration;

use benches::spent;

/// The number of names, as in a large gateway.
pub(crate) const NAMES: usize = 1_000;

pub(crate) const VALUE: usize = 51;

/// The names to look up.
pub(crate) struct Names(pub(crate) Vec<String>);

impl Names {
    pub(crate) fn new(count: usize) -> Self {
        Self((0..count).map(|index| format!("providers/openai/production/{index:012}")).collect())
    }

    /// The names with their values.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (String, String)> {
        self.0.iter().enumerate().map(|(index, name)| (name.clone(), value(index)))
    }
}

pub(crate) fn value(index: usize) -> String {
    format!("sk-{index:048}")
}

/// Looks up names in random order. Each name depends on the previous value, because a program uses
/// a value before it looks up the next. `$look` evaluates to the length of the value. It is a macro
/// so that it is compiled into the loop and can await.
macro_rules! chain {
    ($names:expr, $reads:expr, |$index:ident, $name:ident| $look:expr) => {{
        let names = &$names.0;
        let (mut seed, mut shift) = (1_u64, 0_usize);
        for _ in 0..$reads {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
            let drawn = ((seed >> 33) as usize * names.len()) >> 31;
            let $index = drawn + shift;
            let $name = &names[$index];
            let length: usize = $look;
            shift = length - crate::names::VALUE;
        }
        std::hint::black_box(shift);
    }};
}
pub(crate) use chain;

/// Runs `work` on each of the threads and returns the CPU time of one.
pub(crate) fn on_threads(threads: usize, run: impl Fn() + Sync) -> Duration {
    let before = spent();
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(&run);
        }
        run();
    });
    spent().saturating_sub(before) / u32::try_from(threads).unwrap_or(1)
}
