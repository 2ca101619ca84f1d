//! The files of a configuration: the root file, and those that `include:` names.
//!
//! Files are read breadth first and once each, like `resolve_includes` in LiteLLM's
//! `config_includes.py`. The limits apply to all files together.

use std::collections::{HashSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use super::keys::{INCLUDE, source};
use super::limits;
use super::node::{Entry, Node, Value};
use super::parse::parse;
use crate::diagnostics::Diagnostics;
use crate::problem::SettingSource;
use crate::source::file::{IncludeError, Yaml};
use crate::text::{one_line, quoted};

/// A parsed file.
pub(super) struct File {
    /// The name for messages.
    pub(super) name: String,
    /// The entries at its top level.
    pub(super) entries: Vec<Entry>,
}

/// Reads the configuration and everything it includes, in the order in which they are merged.
pub(super) fn read(yaml: &Yaml<'_>, diagnostics: &mut Diagnostics) -> Vec<File> {
    let root = PathBuf::from(yaml.file);
    let mut loader = Loader {
        yaml,
        diagnostics,
        remaining: limits::BYTES,
        loaded: HashSet::from([normalized(&root)]),
        pending: VecDeque::new(),
    };
    let mut files = vec![loader.parse(root, yaml.text)];
    while let Some(include) = loader.pending.pop_front() {
        if files.len() == limits::FILES {
            let message = format!("more than {} files are included", limits::FILES);
            loader.diagnostics.problem(include.source, message, "include fewer files");
            break;
        }
        files.extend(loader.include(include));
    }
    files
}

/// An entry of an `include:` list.
struct Include {
    path: String,
    declared_in: PathBuf,
    source: SettingSource,
}

struct Loader<'a, 'd> {
    yaml: &'a Yaml<'a>,
    diagnostics: &'d mut Diagnostics,
    /// The number of bytes that may still be read.
    remaining: usize,
    /// The normalized paths of the files that were read.
    loaded: HashSet<PathBuf>,
    pending: VecDeque<Include>,
}

impl Loader<'_, '_> {
    /// Reads an included file: relative to the declaring file or, if there is none, to the root.
    fn include(&mut self, include: Include) -> Option<File> {
        let relative_to =
            |file: &Path| normalized(&file.parent().unwrap_or(Path::new("")).join(&include.path));
        let at_root = relative_to(Path::new(self.yaml.file));
        let mut path = relative_to(&include.declared_in);
        let mut text = self.load(&path)?;
        if matches!(text, Err(IncludeError::NotFound)) && at_root != path {
            let at_root_text = self.load(&at_root);
            if !matches!(at_root_text, Some(Err(IncludeError::NotFound))) {
                self.warn_about_root(&include);
            }
            (path, text) = (at_root, at_root_text?);
        }
        match text {
            Ok(text) => {
                self.loaded.insert(path.clone());
                Some(self.parse(path, &text))
            }
            Err(error) => {
                let message = format!("cannot include {}: {error}", quoted(&include.path));
                self.diagnostics.problem(include.source, message, error.hint());
                None
            }
        }
    }

    fn warn_about_root(&mut self, include: &Include) {
        let message = format!("{} was only found next to the root file", quoted(&include.path));
        let hint = "move it next to the file that includes it";
        self.diagnostics.warning(include.source.clone(), message, hint);
    }

    /// Returns the text of a file; `None` if the file was already read.
    fn load(&self, path: &Path) -> Option<Result<Zeroizing<String>, IncludeError>> {
        (!self.loaded.contains(path)).then(|| self.yaml.includes.read(path, self.remaining))
    }

    fn parse(&mut self, path: PathBuf, text: &str) -> File {
        let name = one_line(&path.display().to_string());
        let entries = if let Some(remaining) = self.remaining.checked_sub(text.len()) {
            self.remaining = remaining;
            parse(&name, text, self.diagnostics)
        } else {
            let message = "the file and everything it includes are larger than 1 MiB";
            self.diagnostics.problem(source(&name, "", 1), message, "make it smaller");
            Vec::new()
        };
        if let Some(entry) = entries.iter().find(|entry| entry.name() == Some(INCLUDE)) {
            self.queue(&path, &name, &entry.node);
        }
        File { name, entries }
    }

    fn queue(&mut self, path: &Path, name: &str, node: &Node) {
        let Value::List(items) = &node.value else {
            self.reject(name, node);
            return;
        };
        for item in items {
            match &item.value {
                Value::Text(included) => self.pending.push_back(Include {
                    path: included.clone(),
                    declared_in: path.to_owned(),
                    source: source(name, INCLUDE, item.line),
                }),
                _ => self.reject(name, item),
            }
        }
    }

    fn reject(&mut self, name: &str, node: &Node) {
        let message = format!("must be a list of file names, not {}", node.value.kind());
        let hint = "write `include: [models.yaml]`";
        self.diagnostics.problem(source(name, INCLUDE, node.line), message, hint);
    }
}

/// Removes `.` and `..` from a path lexically, like Python's `abspath`. Symbolic links are not
/// resolved.
fn normalized(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match (component, normal.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => drop(normal.pop()),
            (component, _) => normal.push(component),
        }
    }
    normal
}
