//! What the benchmarks have in common. What is compared stands in `benches/`, one target for each
//! question; what the figures mean is said by `cargo xtask bench`, which writes them down.

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
