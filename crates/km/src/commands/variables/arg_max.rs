//! The kernel's limits on the size of arguments and environment, see
//! [`execve(2)`](https://man7.org/linux/man-pages/man2/execve.2.html).

use rustix::process::{Resource, getrlimit};

/// The largest environment variable on Linux, in bytes: name, `=`, value and the final NUL
/// (`MAX_ARG_STRLEN` with pages of 4 KiB).
pub(super) const MAX_VARIABLE_BYTES: usize = 128 * 1024;

/// The limit of all arguments and variables on Linux, in bytes, however large the stack may grow.
const MAX_TOTAL_BYTES: u64 = 6 * 1024 * 1024;

/// The bytes that Linux accepts however small the stack is (`ARG_MAX`).
const MIN_TOTAL_BYTES: u64 = 128 * 1024;

/// A margin for what is not counted: the program's path, its interpreter line, and what the kernel
/// itself puts on the stack.
const MARGIN_BYTES: u64 = 16 * 1024;

/// The number of names that are reported if all variables together are too large.
const MAX_REPORTED_NAMES: usize = 3;

/// Returns the size of one variable as the kernel counts it: name, `=`, value and a NUL.
pub(crate) fn variable_bytes(name: usize, value: usize) -> usize {
    name + value + "=\0".len()
}

/// Returns the size of strings as the kernel counts them: each with a pointer to it.
pub(crate) fn total_bytes(strings: impl Iterator<Item = usize>) -> u64 {
    let bytes: usize = strings.map(|bytes| bytes + size_of::<usize>()).sum();
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Returns the limit of all arguments and variables, less the margin.
pub(crate) fn max_total_bytes() -> u64 {
    let stack = getrlimit(Resource::Stack).current;
    let limit = stack.map_or(MAX_TOTAL_BYTES, |stack| MAX_TOTAL_BYTES.min(stack / 4));
    limit.max(MIN_TOTAL_BYTES) - MARGIN_BYTES
}

/// Returns the names of the largest values, the largest first.
pub(crate) fn largest_names<'a>(sizes: impl Iterator<Item = (&'a str, usize)>) -> String {
    let mut sizes: Vec<_> = sizes.collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    let largest: Vec<_> = sizes.iter().take(MAX_REPORTED_NAMES).map(|(name, _)| *name).collect();
    largest.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_names_are_sorted_by_size() {
        let sizes = [("SMALL", 1), ("BIG", 9), ("BIGGER", 99), ("BIGGEST", 999)];
        assert_eq!(largest_names(sizes.into_iter()), "BIGGEST, BIGGER, BIG");
        assert_eq!(largest_names(std::iter::empty()), "");
    }
}
