//! Circular imports between the files of a crate.
//!
//! An edge leads from a file to each file whose items it names in a path. Declaring a module, and
//! re-exporting an item with `pub use`, is not an edge: a `mod.rs` that only groups its children may be
//! imported by them. Tests (`#[cfg(test)]`) and paths inside macro calls are not read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use serde_json::Value;

use super::imports::Imports;
use crate::workspace::packages;

/// A module's path below the crate: empty for `lib.rs` and `main.rs`.
type ModulePath = Vec<String>;

/// Checks the sources of every package of the workspace.
///
/// # Errors
/// Lists the files of each circle.
pub(super) fn check(metadata: &Value) -> Result<()> {
    let (mut count, mut circles) = (0, Vec::new());
    for root in roots(metadata)? {
        let package = Package::read(&root)?;
        count += package.modules.len();
        circles.extend(package.circles());
    }
    if !circles.is_empty() {
        bail!("files import each other in a circle:\n  {}", circles.join("\n  "));
    }
    println!("{count} files, none in a circle of imports");
    Ok(())
}

/// Returns the root source of each library and program.
fn roots(metadata: &Value) -> Result<Vec<PathBuf>> {
    let targets =
        packages(metadata)?.iter().filter_map(|package| package["targets"].as_array()).flatten();
    let built = targets.filter(|target| {
        let kind = target["kind"].as_array().and_then(|kinds| kinds.first());
        kind.is_some_and(|kind| kind == "lib" || kind == "bin")
    });
    Ok(built.filter_map(|target| target["src_path"].as_str()).map(PathBuf::from).collect())
}

/// The modules of one library or program that have a file of their own.
struct Package {
    modules: BTreeMap<ModulePath, Module>,
}

struct Module {
    file: PathBuf,
    imports: Imports,
}

impl Package {
    fn read(root: &Path) -> Result<Self> {
        let mut package = Self { modules: BTreeMap::new() };
        let directory = root.parent().context("a source file without a directory")?;
        package.read_module(Vec::new(), root, directory)?;
        Ok(package)
    }

    /// Reads the module in `file`, whose children are in `directory`.
    fn read_module(&mut self, path: ModulePath, file: &Path, directory: &Path) -> Result<()> {
        let text =
            fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let imports =
            Imports::parse(&text).with_context(|| format!("parsing {}", file.display()))?;
        for child in &imports.children {
            let mut child_path = path.clone();
            child_path.push(child.clone());
            let inner = directory.join(child);
            let flat = directory.join(format!("{child}.rs"));
            let file = if flat.exists() { flat } else { inner.join("mod.rs") };
            self.read_module(child_path, &file, &inner)?;
        }
        self.modules.insert(path, Module { file: file.to_owned(), imports });
        Ok(())
    }

    /// Returns the module whose item `name` is, seen from the module `from`. Follows re-exports.
    fn resolve(&self, from: &[String], name: &[String], depth: usize) -> Option<&ModulePath> {
        let absolute = self.absolute(from, name)?;
        let mut module_path = absolute.as_slice();
        let (path, module) = loop {
            match self.modules.get_key_value(module_path) {
                Some(found) => break found,
                None => module_path = module_path.split_last()?.1,
            }
        };
        let item = absolute.get(module_path.len());
        match item.and_then(|item| module.imports.named(item)) {
            // A bound, because two modules can re-export each other's names.
            Some(target) if depth > 0 => self.resolve(path, target, depth - 1).or(Some(path)),
            _ => Some(path),
        }
    }

    /// Returns a path below the crate, or `None` for a path into another crate.
    fn absolute(&self, from: &[String], name: &[String]) -> Option<ModulePath> {
        let mut absolute: ModulePath = match name.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => from.to_vec(),
            child => {
                let module = self.modules.get(from)?;
                module.imports.children.iter().find(|name| *name == child)?;
                from.to_vec()
            }
        };
        for segment in name {
            match segment.as_str() {
                "crate" | "self" => {}
                "super" => drop(absolute.pop()),
                segment => absolute.push(segment.to_owned()),
            }
        }
        Some(absolute)
    }

    fn circles(&self) -> Vec<String> {
        let mut graph = DiGraphMap::<&ModulePath, ()>::new();
        for (path, module) in &self.modules {
            for name in &module.imports.uses {
                if let Some(target) = self.resolve(path, name, 4)
                    && target != path
                {
                    graph.add_edge(path, target, ());
                }
            }
        }
        let circles = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1);
        circles.map(|circle| self.describe(&circle)).collect()
    }

    fn describe(&self, circle: &[&ModulePath]) -> String {
        let files = circle.iter().filter_map(|path| self.modules.get(*path));
        let mut files: Vec<_> = files.map(|module| shown(&module.file)).collect();
        files.sort();
        files.join(", ")
    }
}

/// Returns a file's name below the root of the workspace.
fn shown(file: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.and_then(|root| file.strip_prefix(root).ok()).unwrap_or(file).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::metadata;

    /// Returns the circles among sources given as `(file, text)`.
    fn circles(sources: &[(&str, &str)]) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in sources {
            let file = directory.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let package = Package::read(&directory.path().join("lib.rs")).unwrap();
        let prefix = format!("{}/", directory.path().display());
        package.circles().into_iter().map(|circle| circle.replace(&prefix, "")).collect()
    }

    #[test]
    fn this_workspace_has_no_circular_imports() {
        check(&metadata().unwrap()).unwrap();
    }

    #[test]
    fn circle_of_two_files_is_reported() {
        let lib = ("lib.rs", "mod a; mod b;");
        let uses_b = ("a.rs", "use crate::b::B; pub(crate) struct A;");
        for a_user in ["use super::a::A; pub(crate) struct B;", "pub(crate) struct B(crate::a::A);"]
        {
            assert_eq!(circles(&[lib, uses_b, ("b.rs", a_user)]), ["a.rs, b.rs"], "{a_user}");
        }
        assert_eq!(circles(&[lib, uses_b, ("b.rs", "pub(crate) struct B;")]), [""; 0]);
    }

    #[test]
    fn circle_of_a_child_with_its_parent_is_reported_unless_the_parent_only_groups() {
        let lib = ("lib.rs", "mod group;");
        let child = ("group/child.rs", "use super::Shared; pub(crate) struct Child(Shared);");
        let uses = ("group/mod.rs", "mod child; use child::Child; pub(crate) struct Shared;");
        assert_eq!(circles(&[lib, child, uses]), ["group/child.rs, group/mod.rs"]);
        let calls = ("group/mod.rs", "mod child; struct Shared; fn f() { child::g(); }");
        assert_eq!(circles(&[lib, child, calls]), ["group/child.rs, group/mod.rs"]);

        let groups = ("group/mod.rs", "mod child; mod shared; pub(crate) use shared::Shared;");
        let shared = ("group/shared.rs", "pub(crate) struct Shared;");
        assert_eq!(circles(&[lib, child, groups, shared]), [""; 0]);
    }

    #[test]
    fn circle_through_a_re_export_is_reported() {
        let sources = [
            ("lib.rs", "mod a; mod b; pub use a::A;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::A; pub struct B;"),
        ];
        assert_eq!(circles(&sources), ["a.rs, b.rs"]);
    }

    #[test]
    fn imports_of_tests_are_not_read() {
        let sources = [
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "pub struct B; #[cfg(test)] mod tests { use crate::a::A; }"),
        ];
        assert_eq!(circles(&sources), [""; 0]);
    }
}
