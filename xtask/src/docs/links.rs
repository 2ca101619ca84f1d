//! The link check.
//!
//! A link must lead to an existing file and heading. A page of the book may only link to other pages of
//! the book, because the site has no other files, unless the link is absolute. The README of a crate may only
//! link absolutely, because it is also a page of the registry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::page::{Link, Page};

/// The pages of the project by their path.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<PathBuf, Page>);

impl Links {
    pub(super) fn add(&mut self, file: PathBuf, page: Page) {
        self.0.insert(file, page);
    }

    /// Returns one line for each broken link. The links of `summary` are relative to the root, and are the
    /// pages of the book.
    pub(super) fn problems(&self, summary: &Path, exists: impl Fn(&Path) -> bool) -> Vec<String> {
        let contents = self.0.get(summary).into_iter().flat_map(|page| &page.links);
        let book: BTreeSet<_> = contents.map(|link| PathBuf::from(&link.path)).collect();
        let mut problems = Vec::new();
        for (file, page) in &self.0 {
            let directory = if file == summary { None } else { file.parent() };
            for link in &page.links {
                let target = target(file, directory.unwrap_or(Path::new("")), link);
                let problem = self.problem(&target, link, &exists).or_else(|| {
                    let leaves_the_book = book.contains(file) && !book.contains(&target);
                    let is_relative = target != *file && !link.path.starts_with('/');
                    match is_relative {
                        true if is_readme_of_a_crate(file) => Some("is relative"),
                        true if leaves_the_book => Some("is not a page of the book"),
                        _ => None,
                    }
                });
                if let Some(problem) = problem {
                    let Link { path, anchor } = link;
                    let hash = if anchor.is_some() { "#" } else { "" };
                    let anchor = anchor.as_deref().unwrap_or_default();
                    problems.push(format!("{}: {path}{hash}{anchor}: {problem}", file.display()));
                }
            }
        }
        problems
    }

    fn problem(
        &self,
        target: &Path,
        link: &Link,
        exists: impl Fn(&Path) -> bool,
    ) -> Option<&'static str> {
        let Some(anchor) = &link.anchor else {
            return (!exists(target)).then_some("no such file");
        };
        match self.0.get(target) {
            None => Some("no such page"),
            Some(page) => (!page.anchors.contains(anchor)).then_some("no such heading"),
        }
    }
}

fn is_readme_of_a_crate(file: &Path) -> bool {
    file.starts_with("crates") && file.ends_with("README.md")
}

/// Returns the path of a link's target, relative to the root.
fn target(file: &Path, directory: &Path, link: &Link) -> PathBuf {
    if link.path.is_empty() {
        return file.to_owned();
    }
    if let Some(path) = link.path.strip_prefix('/') {
        return path.into();
    }
    let mut target = PathBuf::new();
    for component in directory.join(&link.path).components() {
        match component {
            Component::ParentDir => drop(target.pop()),
            Component::CurDir => {}
            component => target.push(component),
        }
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(page: &str) -> Vec<String> {
        problems_in(page, "")
    }

    /// Returns the problems of a page of the book, and of the README of a crate.
    fn problems_in(page: &str, readme: &str) -> Vec<String> {
        let mut links = Links::default();
        links.add("docs/book/SUMMARY.md".into(), Page::parse("- [a](docs/a.md)\n- [b](b.md)\n"));
        links.add("docs/a.md".into(), Page::parse(page));
        links.add("b.md".into(), Page::parse("# B\n\n## Part\n"));
        links.add("c.md".into(), Page::parse("# C\n"));
        links.add("crates/d/README.md".into(), Page::parse(readme));
        let files = ["docs/a.md", "b.md", "c.md", "main.rs"];
        links.problems(Path::new("docs/book/SUMMARY.md"), |file| {
            files.iter().any(|known| Path::new(known) == file)
        })
    }

    #[test]
    fn broken_links_are_reported() {
        let here = "https://github.com/key-manager/km/blob/main";
        let (code, gone) = (format!("[code]({here}/main.rs)"), format!("[gone]({here}/gone.rs)"));
        for (page, expected) in [
            (code.as_str(), None),
            (gone.as_str(), Some("docs/a.md: /gone.rs: no such file")),
            ("[b](../b.md) [part](../b.md#part)", None),
            ("# A\n[here](#a)", None),
            ("[b](b.md)", Some("docs/a.md: b.md: no such file")),
            ("[b](../b.md#other)", Some("docs/a.md: ../b.md#other: no such heading")),
            ("[here](#a)", Some("docs/a.md: #a: no such heading")),
            ("[c](../c.md)", Some("docs/a.md: ../c.md: is not a page of the book")),
            ("[code](../main.rs)", Some("docs/a.md: ../main.rs: is not a page of the book")),
        ] {
            assert_eq!(problems(page), Vec::from_iter(expected), "{page}");
        }
    }

    #[test]
    fn relative_link_in_the_readme_of_a_crate_is_reported() {
        let link = "https://github.com/key-manager/km/blob/main/docs/a.md";
        assert_eq!(problems_in("", &format!("# D\n[a]({link}) [d](#d)")), Vec::<String>::new());
        let expected = ["crates/d/README.md: ../../docs/a.md: is relative"];
        assert_eq!(problems_in("", "[a](../../docs/a.md)"), expected);
    }
}
