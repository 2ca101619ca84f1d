//! A guide as a script: its commands, its files, and the expected output.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail, ensure};

/// The blocks of a page.
#[derive(Debug)]
pub(crate) struct Page(Vec<Block>);

#[derive(Debug, PartialEq, Eq)]
enum Block {
    /// `sh`: commands.
    Commands(String),
    /// `text` after commands: their output.
    Output(String),
    /// A language and a name: a file.
    File(String, String),
}

/// Ends the background processes of the page.
const HEAD: &str = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n";

impl Page {
    /// Every block must be one of the three kinds, so that none is ignored.
    pub(crate) fn parse(markdown: &str) -> Result<Self> {
        let (mut blocks, mut lines) = (Vec::new(), markdown.lines());
        while let Some(line) = lines.next() {
            let Some(info) = line.strip_prefix("```") else { continue };
            let mut body = String::new();
            loop {
                match lines.next().context("a block has no end")? {
                    "```" => break,
                    line => body.extend([line, "\n"]),
                }
            }
            blocks.push(match info.split_once(' ').unwrap_or((info, "")) {
                ("sh", "") => Block::Commands(body),
                ("text", "") => Block::Output(body),
                (_, "") => bail!("what is a block of {info:?}?"),
                (_, name) => Block::File(name.to_owned(), body),
            });
        }
        ensure!(!blocks.is_empty(), "the page has no commands");
        Ok(Self(blocks))
    }

    /// Returns the content of a file.
    pub(crate) fn file(&self, name: &str) -> Result<&str> {
        let mut files = self.0.iter().filter_map(|block| match block {
            Block::File(found, body) if found == name => Some(body.as_str()),
            _ => None,
        });
        files.next().with_context(|| format!("the page has no file {name}"))
    }

    /// The output of each block of commands goes to a file of its own.
    pub(crate) fn script(&self) -> String {
        let mut script = HEAD.to_owned();
        for (at, block) in self.0.iter().enumerate() {
            // Writing to a `String` cannot fail.
            let _ = match block {
                Block::Commands(body) => writeln!(script, "{{\n{body}}} > printed.{at}"),
                Block::Output(body) => writeln!(
                    script,
                    "diff - printed.{} >&2 <<'KM_END'\n{body}KM_END",
                    at.saturating_sub(1)
                ),
                Block::File(name, body) => {
                    writeln!(script, "cat > {name} <<'KM_END'\n{body}KM_END")
                }
            };
        }
        script
    }
}

#[test]
fn page_consists_of_commands_files_and_outputs() {
    let page = "# A\n```sh\necho a\n```\nSays\n```text\na\n```\n```yaml b.yaml\nx: 1\n```\n";
    let script = Page::parse(page).expect("a page").script();
    let expected = "{\necho a\n} > printed.0\ndiff - printed.0 >&2 <<'KM_END'\na\nKM_END\n\
                    cat > b.yaml <<'KM_END'\nx: 1\nKM_END\n";
    assert_eq!(script.strip_prefix(HEAD), Some(expected));
    let page = Page::parse(page).expect("a page");
    assert_eq!(page.file("b.yaml").expect("a file"), "x: 1\n");
    assert!(page.file("c.yaml").is_err());
    for page in ["", "```sh\n", "```yaml\nx\n```\n", "```\nx\n```\n"] {
        assert!(Page::parse(page).is_err(), "{page:?}");
    }
}
