//! Searches the memory of a process for values that must not be in it.
//!
//! A test runs the code that it examines in a child process of the same test binary, and searches
//! the memory of the child from outside, because a search within the process would find itself. The
//! planted text is derived from a seed, so that it occurs in the child only where the tested code
//! puts it.

use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::process::{Child, Command, Stdio};

/// The beginning of every planted line, masked.
const MASKED_MARK: [u8; 16] = [
    0x9d, 0xa1, 0x8e, 0xbc, 0xf3, 0xc7, 0xe4, 0xd2, 0x95, 0xb6, 0xaa, 0xfe, 0xc9, 0x88, 0xd1, 0xe0,
];
const MASK: u8 = 0xa5;

/// Passes `lines` lines of 64 characters with the mark to `push`, one character at a time, so that
/// no buffer but the caller's holds them.
pub fn plant(lines: usize, mut push: impl FnMut(char)) {
    for line in 0..lines {
        if line > 0 {
            push('\n');
        }
        for byte in MASKED_MARK.iter().cycle().take(64) {
            push(char::from(b'a' + (std::hint::black_box(*byte) ^ MASK) % 26));
        }
    }
}

const QUIET: &str = "ready to be searched";

/// Reports to the parent that this process has dropped everything, and waits until the search is
/// done.
///
/// # Errors
/// The parent has ended.
pub fn wait_for_search() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "\n{QUIET}")?;
    out.flush()?;
    io::stdin().read(&mut [0]).map(drop)
}

/// Runs the ignored test `name` of this binary as a child process until it calls
/// [`wait_for_search`], and returns how often the planted mark is in its memory.
///
/// # Errors
/// The child failed, or its memory cannot be read.
pub fn marks_in_child(name: &str) -> io::Result<usize> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().ok_or_else(|| io::Error::other("stdout is not piped"))?;
    // Stays open until the child has ended, because the child continues to write.
    let mut lines = BufReader::new(stdout).lines();
    let quiet = lines.any(|line| line.is_ok_and(|line| line == QUIET));
    let found = search(&child);
    drop(child.stdin.take());
    if child.wait()?.success() && quiet { found } else { Err(io::Error::other(name)) }
}

/// Counts the marks in all readable memory of `child`.
fn search(child: &Child) -> io::Result<usize> {
    let mut mark = String::new();
    plant(1, |c| mark.push(c));
    mark.truncate(MASKED_MARK.len());
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", child.id()))?;
    let mut memory = std::fs::File::open(format!("/proc/{}/mem", child.id()))?;
    let mut count = 0;
    for region in maps.lines() {
        // The kernel's pages cannot be read through this file.
        let (range, rest) = region.split_once(' ').unwrap_or_default();
        if !rest.starts_with('r') || rest.contains("[v") {
            continue;
        }
        let address = |text| u64::from_str_radix(text, 16).map_err(io::Error::other);
        let (start, end) = range.split_once('-').unwrap_or_default();
        let (start, end) = (address(start)?, address(end)?);
        memory.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        (&memory).take(end - start).read_to_end(&mut bytes)?;
        count += bytes.windows(mark.len()).filter(|window| *window == mark.as_bytes()).count();
    }
    Ok(count)
}
