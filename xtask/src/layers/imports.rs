//! The paths that a source file names.

use std::collections::BTreeMap;

use anyhow::Result;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// What one file says about other files of its crate.
#[derive(Debug, Default)]
pub(super) struct Imports {
    /// The modules that it declares, and that have a file of their own.
    pub(super) children: Vec<String>,
    /// The paths that it uses, but for those that it only re-exports.
    pub(super) uses: Vec<Vec<String>>,
    /// The names that it imports or re-exports, with their paths.
    names: BTreeMap<String, Vec<String>>,
}

impl Imports {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let mut imports = Self::default();
        imports.visit_file(&syn::parse_file(text)?);
        Ok(imports)
    }

    /// Returns the path of a name that the file imports or re-exports.
    pub(super) fn named(&self, name: &str) -> Option<&[String]> {
        self.names.get(name).map(Vec::as_slice)
    }

    fn add_use(&mut self, head: &[String], tree: &UseTree, is_export: bool) {
        let with = |name: &syn::Ident| head.iter().cloned().chain([name.to_string()]).collect();
        let (path, name): (Vec<String>, _) = match tree {
            UseTree::Path(path) => {
                let head: Vec<String> = with(&path.ident);
                return self.add_use(&head, &path.tree, is_export);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.add_use(head, tree, is_export));
            }
            UseTree::Glob(_) => (head.to_vec(), None),
            UseTree::Name(name) if name.ident == "self" => (head.to_vec(), head.last().cloned()),
            UseTree::Name(name) => (with(&name.ident), Some(name.ident.to_string())),
            UseTree::Rename(name) => (with(&name.ident), Some(name.rename.to_string())),
        };
        if let Some(name) = name {
            self.names.insert(name, path.clone());
        }
        if !is_export {
            self.uses.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            Item::Mod(module) if module.content.is_none() => {
                self.children.push(module.ident.to_string());
            }
            Item::Use(item) if is_test(&item.attrs) => {}
            Item::Use(item) => {
                let is_export = !matches!(item.vis, Visibility::Inherited);
                self.add_use(&[], &item.tree, is_export);
            }
            Item::Fn(item) if is_test(&item.attrs) => {}
            Item::Impl(item) if is_test(&item.attrs) => {}
            item => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.uses.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}

/// Whether an item is compiled for tests only.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            _ => return false,
        };
        attribute.path().is_ident("cfg")
            && (text == "test" || text.starts_with("all (test") || text.starts_with("all(test"))
    })
}
