//! Code that the benchmarks share. The benchmarks are in `benches/`, one target per question; the
//! program `report` prints the results.

mod bare;
pub mod canned;
mod cpu;
mod fleet;
mod gateway;
pub mod map;
mod pair;
mod server;
mod steps;

pub use bare::Bare;
pub use cpu::{Meter, spent};
pub use fleet::{Fleet, Reader};
pub use gateway::{gateway, provide_cryptography};
pub use pair::{Run, criterion, group, pair, pair_of};
pub use server::Server;
pub use steps::pair_of_steps;
