//! The `km` binary.

fn main() {}
