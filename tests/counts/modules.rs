//! The module tree of a crate: which file each module is in, and which names it has. Code under `cfg(test)` is left out.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Item, UseTree, Visibility};

/// The path of a module in its crate; the root's is empty.
pub(crate) type ModulePath = Vec<String>;

/// A crate and its modules.
pub(crate) struct Crate {
    pub(crate) name: String,
    /// Every file once, by its path in the repository.
    files: Vec<PathBuf>,
    pub(crate) modules: BTreeMap<ModulePath, Module>,
}

/// A module, whether it has a file of its own or is written in its parent's.
pub(crate) struct Module {
    /// An index into [`Crate::files`].
    pub(crate) file: usize,
    pub(crate) items: Vec<Item>,
    /// The names of the items that are defined here.
    pub(crate) defined: HashSet<String>,
    pub(crate) imports: Vec<Import>,
}

/// One name of a `use`.
pub(crate) struct Import {
    /// What it is called here; `None` for a glob.
    pub(crate) name: Option<String>,
    pub(crate) path: Vec<String>,
    pub(crate) is_public: bool,
}

impl Crate {
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn add_file(&mut self, root: &Path, file: PathBuf, folder: &Path, module: ModulePath) {
        let items = syn::parse_file(&fs::read_to_string(root.join(&file)).unwrap()).unwrap().items;
        self.files.push(file);
        self.add(root, self.files.len() - 1, folder, module, items);
    }

    /// `folder` is where the files of the module's children are.
    fn add(&mut self, root: &Path, file: usize, folder: &Path, module: ModulePath, items: Vec<Item>) {
        let mut added = Module { file, items: Vec::new(), defined: HashSet::new(), imports: Vec::new() };
        for item in items.into_iter().filter(|item| !is_test(attributes(item))) {
            match item {
                Item::Mod(child) => {
                    let name = child.ident.to_string();
                    let path = [&module[..], std::slice::from_ref(&name)].concat();
                    let own_folder = folder.join(&name);
                    if let Some((_, items)) = child.content {
                        self.add(root, file, &own_folder, path, items);
                    } else {
                        self.add_file(root, file_of(root, folder, &name, &child.attrs), &own_folder, path);
                    }
                }
                Item::Use(import) => {
                    let is_public = !matches!(import.vis, Visibility::Inherited);
                    collect(&import.tree, &mut Vec::new(), is_public, &mut added.imports);
                }
                item => {
                    added.defined.extend(defined(&item));
                    added.items.push(item);
                }
            }
        }
        self.modules.insert(module, added);
    }
}

/// Reads the library `name` of the repository at `root`.
pub(crate) fn load(root: &Path, name: &str) -> Crate {
    let folder = Path::new(name).join("src");
    let mut loaded = Crate { name: name.to_owned(), files: Vec::new(), modules: BTreeMap::new() };
    loaded.add_file(root, folder.join("lib.rs"), &folder, Vec::new());
    loaded
}

/// Adds the names of a `use`, whose path begins with `prefix`.
pub(crate) fn collect(tree: &UseTree, prefix: &mut Vec<String>, is_public: bool, imports: &mut Vec<Import>) {
    let mut push = |name: Option<String>, last: Option<String>| {
        let path = prefix.iter().cloned().chain(last.filter(|last| last != "self")).collect();
        imports.push(Import { name, path, is_public });
    };
    match tree {
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            collect(&path.tree, prefix, is_public, imports);
            prefix.pop();
        }
        UseTree::Name(name) if name.ident == "self" => push(prefix.last().cloned(), None),
        UseTree::Name(name) => push(Some(name.ident.to_string()), Some(name.ident.to_string())),
        UseTree::Rename(name) => push(Some(name.rename.to_string()), Some(name.ident.to_string())),
        UseTree::Glob(_) => push(None, None),
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| collect(tree, prefix, is_public, imports));
        }
    }
}

/// Whether code with these attributes is compiled for tests only.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let condition = attribute.meta.require_list().unwrap().tokens.to_string();
        let words: Vec<_> = condition.split(|letter: char| !letter.is_alphanumeric()).collect();
        words.contains(&"test") && !words.contains(&"not")
    })
}

/// The file of `mod name;`.
fn file_of(root: &Path, folder: &Path, name: &str, attributes: &[Attribute]) -> PathBuf {
    let path = attributes.iter().find(|attribute| attribute.path().is_ident("path"));
    if let Some(path) = path {
        let syn::Expr::Lit(literal) = &path.meta.require_name_value().unwrap().value else { unreachable!() };
        let syn::Lit::Str(path) = &literal.lit else { unreachable!() };
        return folder.join(path.value());
    }
    let file = folder.join(format!("{name}.rs"));
    if root.join(&file).exists() { file } else { folder.join(name).join("mod.rs") }
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn defined(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}
