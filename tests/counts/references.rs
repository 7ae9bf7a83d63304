//! Which file refers to an item of which other file. A path is followed through re-exports to the file that defines the
//! item; a re-export by itself is no reference.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItem, Item, ItemUse, Macro, Path, Visibility};

use crate::modules::{Crate, Import, Module, ModulePath, attributes, collect, is_test};

/// How many re-exports are followed until a path counts as one that leads nowhere.
const MAX_STEPS: u32 = 32;

enum Target {
    Module(ModulePath),
    /// An item in this file.
    Item(usize),
}

/// The references between files of a crate: from, to.
pub(crate) fn between_files(krate: &Crate) -> BTreeSet<(usize, usize)> {
    let mut references = BTreeSet::new();
    for (path, module) in &krate.modules {
        let mut paths = Paths::default();
        module.items.iter().for_each(|item| paths.visit_item(item));
        let imported = module.imports.iter().filter(|import| !import.is_public).map(|import| &import.path);
        for segments in paths.found.iter().chain(imported) {
            if let Some(Target::Item(file)) = resolve(krate, path, segments, &paths.imports, 0)
                && file != module.file
            {
                references.insert((module.file, file));
            }
        }
    }
    references
}

/// `local` are imports within functions of the module.
fn resolve(
    krate: &Crate,
    from: &ModulePath,
    path: &[String],
    local: &[Import],
    steps: u32,
) -> Option<Target> {
    if steps > MAX_STEPS {
        return None;
    }
    let mut at = from.clone();
    let mut segments = path.iter();
    let mut is_rooted = false;
    while let Some(segment) = segments.as_slice().first() {
        match &segment[..] {
            "crate" => at = Vec::new(),
            "super" => drop(at.pop()),
            "self" => {}
            own if !is_rooted && own == krate.name.replace('-', "_") => at = Vec::new(),
            _ => break,
        }
        is_rooted = true;
        segments.next();
    }
    let mut rest = segments.as_slice();
    let Some((name, mut after)) = rest.split_first() else { return Some(Target::Module(at)) };
    let mut name = name;
    loop {
        let module: &Module = krate.modules.get(&at)?;
        let child = [&at[..], std::slice::from_ref(name)].concat();
        if after.is_empty() && module.defined.contains(name) {
            return Some(Target::Item(module.file));
        } else if krate.modules.contains_key(&child) {
            at = child;
        } else if module.defined.contains(name) {
            return Some(Target::Item(module.file));
        } else {
            let local = if at == *from { local } else { &[] };
            match imported(krate, &at, module.imports.iter().chain(local), name, steps)? {
                Target::Module(path) => at = path,
                item @ Target::Item(_) => return Some(item),
            }
        }
        rest = after;
        match rest.split_first() {
            Some((next, remaining)) => (name, after) = (next, remaining),
            None => return Some(Target::Module(at)),
        }
    }
}

fn imported<'a>(
    krate: &Crate,
    at: &ModulePath,
    imports: impl Iterator<Item = &'a Import>,
    name: &String,
    steps: u32,
) -> Option<Target> {
    let (named, globs): (Vec<_>, Vec<_>) = imports.partition(|import| import.name.is_some());
    // `use name;` would lead to itself.
    let is_step = |import: &&&Import| import.name.as_ref() == Some(name) && import.path != [name.clone()];
    let named = named.iter().filter(is_step).map(|import| import.path.clone());
    let globs = globs.iter().map(|glob| [&glob.path[..], std::slice::from_ref(name)].concat());
    named.chain(globs).find_map(|path| resolve(krate, at, &path, &[], steps + 1))
}

/// Every path in the code of a module.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
    imports: Vec<Import>,
}

impl Visit<'_> for Paths {
    fn visit_item(&mut self, item: &Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &ImplItem) {
        if !matches!(item, ImplItem::Fn(function) if is_test(&function.attrs)) {
            visit::visit_impl_item(self, item);
        }
    }

    fn visit_item_use(&mut self, import: &ItemUse) {
        let known = self.imports.len();
        collect(&import.tree, &mut Vec::new(), false, &mut self.imports);
        self.found.extend(self.imports.iter().skip(known).map(|import| import.path.clone()));
    }

    fn visit_path(&mut self, path: &Path) {
        self.found.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &Macro) {
        self.visit_path(&call.path);
        self.visit_tokens(call.tokens.clone());
    }

    // Neither `#[error]` nor `pub(in crate::here)` refers to an item.
    fn visit_attribute(&mut self, _: &Attribute) {}

    fn visit_visibility(&mut self, _: &Visibility) {}
}

impl Paths {
    /// Adds what looks like `a::b` in the tokens of a macro.
    fn visit_tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        let mut colons = 0;
        let mut end = |path: &mut Vec<String>| {
            let path = std::mem::take(path);
            if path.len() > 1 {
                self.found.push(path);
            }
        };
        let mut groups = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        end(&mut path);
                    }
                    path.push(ident.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    end(&mut path);
                    groups.push(group.stream());
                }
                _ => {
                    end(&mut path);
                    colons = 0;
                }
            }
        }
        end(&mut path);
        for group in groups {
            self.visit_tokens(group);
        }
    }
}
