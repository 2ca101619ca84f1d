//! One Markdown page: its headings, its links and its code spans.

use std::collections::BTreeMap;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The address of the files of this project. READMEs of published crates use it, because they are also
/// pages of the registry and of the crate's documentation.
const REPOSITORY: &str = "https://github.com/key-manager/km/blob/main";

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// The anchors of its headings.
    pub(super) anchors: Vec<String>,
    /// Its links to files of the project, and to its own headings.
    pub(super) links: Vec<Link>,
    /// Its code spans.
    pub(super) code: Vec<String>,
}

/// A link to a file of the project.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// The path as written; empty for a heading of the same page. A path that begins with `/` is relative
    /// to the root, and its link works everywhere.
    pub(super) path: String,
    /// The part after `#`.
    pub(super) anchor: Option<String>,
}

impl Page {
    pub(super) fn parse(text: &str) -> Self {
        let (mut page, mut heading) = (Self::default(), None::<String>);
        let mut seen = BTreeMap::new();
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            let is_code = matches!(event, Event::Code(_));
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let anchor = anchor(&heading.take().unwrap_or_default());
                    let earlier = seen.entry(anchor.clone()).and_modify(|n| *n += 1).or_insert(0);
                    let suffix = if *earlier == 0 { String::new() } else { format!("-{earlier}") };
                    page.anchors.push(anchor + &suffix);
                }
                Event::Text(text) | Event::Code(text) => {
                    if is_code {
                        page.code.push(text.to_string());
                    }
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.extend(own(&dest_url));
                }
                _ => {}
            }
        }
        page
    }
}

/// Returns a link that leads to a file of the project.
fn own(url: &str) -> Option<Link> {
    let url = url.strip_prefix(REPOSITORY).unwrap_or(url);
    if url.contains("://") || url.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) =
        url.split_once('#').map_or((url, None), |(path, anchor)| (path, Some(anchor)));
    Some(Link { path: path.to_owned(), anchor: anchor.map(str::to_owned) })
}

/// Returns the anchor of a heading: letters in lower case, spaces as hyphens, no punctuation.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_the_field() {
        let page = Page::parse("# One `km serve`\n\n## What's new?\n\n## A\n\n## A\n");
        assert_eq!(page.anchors, ["one-km-serve", "whats-new", "a", "a-1"]);
    }

    #[test]
    fn links_to_other_hosts_and_in_code_are_left_out() {
        let text = "[a](b.md#c) [d](#e) [f](https://g.test/h) `[i](j.md)`\n\n```\n[k](l.md)\n```\n";
        let link = |path: &str, anchor: Option<&str>| Link {
            path: path.to_owned(),
            anchor: anchor.map(str::to_owned),
        };
        assert_eq!(Page::parse(text).links, [link("b.md", Some("c")), link("", Some("e"))]);
        let text = format!("[a][b]\n\n[b]: {REPOSITORY}/b.md#c");
        assert_eq!(Page::parse(&text).links, [link("/b.md", Some("c"))]);
    }
}
