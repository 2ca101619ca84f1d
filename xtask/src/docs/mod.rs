//! The documentation site: link check, and an mdBook of the pages in `docs/book/SUMMARY.md`.

mod links;
mod page;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::step::run;
use crate::workspace;
use links::Links;
use page::Page;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SUMMARY: &str = "docs/book/SUMMARY.md";
const CONFIG: &str = "docs/book/book.toml";

/// Directories that hold no pages of this project.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// Checks the links of every Markdown file, and builds the site into `target/docs/html`.
pub(crate) fn docs() -> Result<()> {
    check_links()?;
    let book = workspace::target()?.join("docs");
    stage(&book)?;
    let version = Command::new("mdbook").arg("--version").output();
    let hint = "mdbook is missing: cargo install --locked mdbook@0.5.4";
    ensure!(version.context(hint)?.status.success(), hint);
    run("mdbook", Command::new("mdbook").arg("build").arg(&book))
}

/// Checks the links between Markdown files.
///
/// # Errors
/// Lists the broken links.
pub(crate) fn check_links() -> Result<()> {
    let root = Path::new(ROOT);
    let mut files = Vec::new();
    markdown_files(root, Path::new(""), &mut files)?;
    let mut links = Links::default();
    for file in &files {
        let text = fs::read_to_string(root.join(file));
        let text = text.with_context(|| format!("reading {}", file.display()))?;
        links.add(file.clone(), Page::parse(&text));
    }
    let problems = links.problems(Path::new(SUMMARY), |file| root.join(file).exists());
    if !problems.is_empty() {
        bail!("broken links:\n  {}", problems.join("\n  "));
    }
    println!("{} Markdown files, no broken links", files.len());
    Ok(())
}

/// Collects the Markdown files below `root/directory`, as paths relative to `root`.
fn markdown_files(root: &Path, directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let path = root.join(directory);
    for entry in fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = directory.join(&name);
        let is_skipped = name.starts_with('.') || SKIPPED.contains(&name.as_str());
        if entry.file_type()?.is_dir() && !is_skipped {
            markdown_files(root, &file, files)?;
        } else if file.extension().is_some_and(|extension| extension == "md") {
            files.push(file);
        }
    }
    files.sort();
    Ok(())
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
    fn links_of_this_project_are_not_broken() {
        check_links().unwrap();
    }
}
