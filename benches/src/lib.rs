//! Code that the benchmarks share. The benchmarks are in `benches/`, one target per question; the
//! program `report` prints the results. The program `sidecars` measures the sidecar beside other
//! tools.

mod bare;
pub mod canned;
mod cpu;
mod fleet;
pub mod format;
mod gateway;
mod machine;
pub mod map;
pub mod marked;
mod pair;
mod range;
mod server;
mod steps;

pub use bare::Bare;
pub use cpu::{Meter, spent};
pub use fleet::{Fleet, Reader};
pub use gateway::{gateway, provide_cryptography};
pub use machine::{machine, today};
pub use pair::{Run, criterion, group, pair, pair_of};
pub use range::Range;
pub use server::Server;
pub use steps::pair_of_steps;
