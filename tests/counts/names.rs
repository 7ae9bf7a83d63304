//! Type names that one crate defines in several modules.

use std::collections::{BTreeMap, BTreeSet};

use syn::Item;

use crate::modules::Crate;

/// Each such name, with the modules that define it.
pub(crate) fn ambiguous(krate: &Crate) -> Vec<String> {
    let mut names = BTreeMap::<String, BTreeSet<String>>::new();
    for (path, module) in &krate.modules {
        for item in &module.items {
            let ident = match item {
                Item::Enum(item) => &item.ident,
                Item::Struct(item) => &item.ident,
                Item::Trait(item) => &item.ident,
                Item::Type(item) => &item.ident,
                Item::Union(item) => &item.ident,
                _ => continue,
            };
            // Every module may have its own `Result`: that is the idiom.
            if ident == "Result" {
                continue;
            }
            names.entry(ident.to_string()).or_default().insert(path.join("::"));
        }
    }
    let ambiguous = names.into_iter().filter(|(_, modules)| modules.len() > 1);
    let line = |(name, modules): (String, BTreeSet<String>)| {
        let modules: Vec<_> = modules.into_iter().collect();
        format!("{} {name}: {}", krate.name, modules.join(", "))
    };
    ambiguous.map(line).collect()
}
