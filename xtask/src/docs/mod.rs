//! The documentation site: an mdBook of the pages in `docs/book/SUMMARY.md`, and a check of links and of
//! quoted test names.

mod links;
mod page;
mod restricted;
mod test_names;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::step::run;
use crate::workspace;
use links::Links;
use page::Page;
use test_names::Names;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SUMMARY: &str = "docs/book/SUMMARY.md";
const CONFIG: &str = "docs/book/book.toml";
/// It may name what no longer exists.
const CHANGELOG: &str = "CHANGELOG.md";

/// Directories that have no pages or sources of this project.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// Checks the links of every Markdown file, and builds the site into `target/docs/html`.
pub(crate) fn docs() -> Result<()> {
    check_pages()?;
    let book = workspace::target()?.join("docs");
    stage(&book)?;
    let version = Command::new("mdbook").arg("--version").output();
    let hint = "mdbook is missing: cargo install --locked mdbook@0.5.4";
    ensure!(version.context(hint)?.status.success(), hint);
    run("mdbook", Command::new("mdbook").arg("build").arg(&book))
}

/// Checks the links between Markdown files, and the names of tests that they quote.
///
/// # Errors
/// Lists what is broken.
fn check_pages() -> Result<()> {
    let root = Path::new(ROOT);
    let (mut pages, mut names) = (Vec::new(), Names::default());
    let mut skipped = BTreeSet::new();
    for file in files(root, Path::new(""))? {
        let read = || {
            let text = fs::read_to_string(root.join(&file));
            text.with_context(|| format!("reading {}", file.display()))
        };
        match file.extension().and_then(OsStr::to_str) {
            Some("md") => {
                let page = Page::parse(&read()?);
                pages.push((file, page));
            }
            Some("rs" | "py") => {
                let source = read()?;
                names.add(&source);
                if file.starts_with("tests") {
                    skipped.extend(restricted::tests(&source));
                }
            }
            _ => {}
        }
    }
    let (mut links, mut unknown, count) = (Links::default(), Vec::new(), pages.len());
    for (file, page) in pages {
        if file.as_os_str() == restricted::PAGE {
            unknown.extend(restricted::problems(&skipped, &page.code));
        }
        if file.as_os_str() != CHANGELOG {
            let quoted = page.code.iter().filter(|span| names.is_unknown(span));
            unknown.extend(quoted.map(|name| format!("{}: {name}: no such test", file.display())));
        }
        links.add(file, page);
    }
    let mut problems = links.problems(Path::new(SUMMARY), |file| root.join(file).exists());
    problems.extend(unknown);
    if !problems.is_empty() {
        bail!("broken references in pages:\n  {}", problems.join("\n  "));
    }
    println!("{count} Markdown files, no broken links");
    Ok(())
}

/// Returns the files below `root/directory`, as sorted paths relative to `root`.
fn files(root: &Path, directory: &Path) -> Result<Vec<PathBuf>> {
    let path = root.join(directory);
    let mut found = Vec::new();
    for entry in fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = directory.join(&name);
        if !entry.file_type()?.is_dir() {
            found.push(file);
        } else if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
            found.extend(files(root, &file)?);
        }
    }
    found.sort();
    Ok(found)
}

/// Copies the configuration, the table of contents and its pages to `book`. The pages keep their paths,
/// so that their links work.
fn stage(book: &Path) -> Result<()> {
    let (root, source) = (Path::new(ROOT), book.join("src"));
    if source.exists() {
        fs::remove_dir_all(&source).context("removing the pages of the previous build")?;
    }
    let summary = fs::read_to_string(root.join(SUMMARY)).context(SUMMARY)?;
    let pages = Page::parse(&summary).links.into_iter().map(|link| PathBuf::from(link.path));
    for page in pages {
        copy(&root.join(&page), &source.join(&page))?;
    }
    copy(&root.join(SUMMARY), &source.join("SUMMARY.md"))?;
    copy(&root.join(CONFIG), &book.join("book.toml"))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let directory = to.parent().context("a file without a directory")?;
    fs::create_dir_all(directory).with_context(|| format!("creating {}", directory.display()))?;
    fs::copy(from, to).map(drop).with_context(|| format!("copying {}", from.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_quoted_tests_of_this_project_exist() {
        check_pages().unwrap();
    }
}
