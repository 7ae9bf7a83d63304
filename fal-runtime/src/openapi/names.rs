//! The names of components: unique, stable, and of the characters that OpenAPI allows.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::percent_decode_str;
use schemars::SchemaGenerator;
use serde_json::Value;

const PREFIX: &str = "#/components/schemas/";

/// The component's name in a reference, decoded. schemars percent-encodes it and escapes it as a JSON pointer.
pub(super) fn referred(reference: &str) -> Option<String> {
    let encoded = reference.strip_prefix(PREFIX)?;
    let pointer = percent_decode_str(encoded).decode_utf8().ok()?;
    Some(pointer.replace("~1", "/").replace("~0", "~"))
}

/// Replaces each component's name in the references of a schema.
pub(super) fn replace_references(schema: &mut Value, replace: &impl Fn(&str) -> String) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(reference) if key == "$ref" => {
                        if let Some(name) = referred(reference) {
                            *reference = format!("{PREFIX}{}", replace(&name));
                        }
                    }
                    // These hold values and no schemas.
                    _ if matches!(key.as_str(), "default" | "const" | "enum" | "examples") => {}
                    value => replace_references(value, replace),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_references(item, replace)),
        _ => {}
    }
}

/// The types that a generator has defined: the id of each by the name that the generator gave it.
pub(super) type Types = BTreeMap<String, String>;

/// The types that a generator has defined.
///
/// schemars shows the ids of nested types in its `Debug` output only. If a later version formats it differently, a name stands
/// for its id.
pub(super) fn types(generator: &SchemaGenerator) -> Types {
    let ids = ids(&format!("{generator:?}")).unwrap_or_default();
    generator.definitions().keys().map(|name| (name.clone(), ids.get(name).unwrap_or(name).clone())).collect()
}

/// Reads the ids by name: `schema_id_to_name: {SchemaUid("crate::module::Item", Serialize): "Item"}`.
fn ids(debug: &str) -> Option<BTreeMap<String, String>> {
    let (_, mut rest) = debug.split_once("schema_id_to_name: {")?;
    let mut ids = BTreeMap::new();
    while let Some(uid) = rest.strip_prefix("SchemaUid(") {
        let (id, after) = quoted(uid)?;
        let (_, named) = after.split_once("): ")?;
        let (name, after) = quoted(named)?;
        ids.insert(name, id);
        rest = after.strip_prefix(", ").unwrap_or(after);
    }
    Some(ids)
}

/// The text in quotation marks at the start, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut content = String::new();
    let mut chars = text.strip_prefix('"')?.chars();
    loop {
        match chars.next()? {
            '"' => return Some((content, chars.as_str())),
            '\\' => content.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                // `\u{…}` of an unprintable character: the name is not recognized.
                'u' => return None,
                escaped => escaped,
            }),
            other => content.push(other),
        }
    }
}

/// The names of types in the document, by their ids.
pub(super) struct Names(BTreeMap<String, ComponentName>);

/// The name of one type.
#[derive(Clone)]
pub(super) struct ComponentName {
    /// As the type's author wrote it.
    pub(super) title: String,
    /// As the document refers to it.
    pub(super) component: String,
}

impl Names {
    /// Names the types of several generators. Types of one name are qualified by their modules.
    pub(super) fn of(generators: &[&Types]) -> Self {
        let mut titles = BTreeMap::new();
        for types in generators {
            for (name, id) in *types {
                titles.entry(id.clone()).or_insert_with(|| title(name, id, types));
            }
        }
        let mut uses = BTreeMap::<String, usize>::new();
        for title in titles.values() {
            *uses.entry(allowed(title)).or_default() += 1;
        }
        let mut taken = BTreeSet::new();
        let mut names = BTreeMap::new();
        for (id, title) in titles {
            let plain = allowed(&title);
            let name = if uses.get(&plain) == Some(&1) { plain } else { allowed(&qualified(&id, &title)) };
            let component = unique(name, &mut taken);
            names.insert(id, ComponentName { title, component });
        }
        Self(names)
    }

    /// The name of the type with this id.
    pub(super) fn get(&self, id: &str) -> Option<&ComponentName> {
        self.0.get(id)
    }

    /// The names of all components.
    pub(super) fn components(&self) -> BTreeSet<String> {
        self.0.values().map(|name| name.component.clone()).collect()
    }
}

/// The first of `name`, `name-2`, … that is not taken.
pub(super) fn unique(name: String, taken: &mut BTreeSet<String>) -> String {
    let mut candidate = name.clone();
    for number in 2.. {
        if taken.insert(candidate.clone()) {
            break;
        }
        candidate = format!("{name}-{number}");
    }
    candidate
}

/// The name of a type without the number by which a generator has told it apart.
fn title(name: &str, id: &str, types: &Types) -> String {
    let plain = name.trim_end_matches(|last: char| last.is_ascii_digit());
    let is_own = id.ends_with(&format!("::{name}"));
    if !is_own && plain != name && types.contains_key(plain) { plain.to_owned() } else { name.to_owned() }
}

/// A name with its module. A generic type has the modules of its arguments, too.
fn qualified(id: &str, title: &str) -> String {
    if id.contains('<') {
        return id.replace("::", ".");
    }
    match id.rsplit_once("::") {
        Some((module, _)) => format!("{}.{title}", module.replace("::", ".")),
        None => title.to_owned(),
    }
}

/// The name with `_` for each run of characters that OpenAPI does not allow in it.
fn allowed(name: &str) -> String {
    let mut allowed = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-') {
            allowed.push(letter);
        } else if !allowed.ends_with('_') {
            allowed.push('_');
        }
    }
    let ends_with_it = name.ends_with('_');
    match allowed.strip_suffix('_') {
        Some(stem) if !ends_with_it && !stem.is_empty() => stem.to_owned(),
        _ => allowed,
    }
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;

    use super::*;

    mod shop {
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        pub(super) struct Item {
            pub(super) size: u8,
        }
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Item {
        other: shop::Item,
        #[schemars(rename = "next")]
        listed: Vec<Listed>,
    }

    #[derive(JsonSchema)]
    #[schemars(rename = "Listed \"2\"")]
    #[expect(dead_code, reason = "only described")]
    struct Listed {
        on: bool,
    }

    #[test]
    fn the_ids_of_nested_types_are_those_of_schemars() {
        let mut generator = SchemaGenerator::default();
        generator.subschema_for::<Item>();
        let ids: Vec<_> = types(&generator).into_iter().collect();
        let expected = [
            ("Item", Item::schema_id()),
            ("Item2", shop::Item::schema_id()),
            ("Listed \"2\"", Listed::schema_id()),
        ];
        assert_eq!(ids, expected.map(|(name, id)| (name.to_owned(), id.into_owned())));
    }

    #[test]
    fn a_name_has_only_characters_that_openapi_allows() {
        for (name, expected) in [
            ("Item", "Item"),
            ("Größe", "Gr_e"),
            ("Envelope<Item>", "Envelope_Item"),
            ("My Thing/1", "My_Thing_1"),
            ("a.b-c_", "a.b-c_"),
            ("日本", "_"),
        ] {
            assert_eq!(allowed(name), expected, "{name}");
        }
    }

    #[test]
    fn a_reference_is_decoded_before_it_is_compared() {
        assert_eq!(referred("#/components/schemas/My%20Thing~11").as_deref(), Some("My Thing/1"));
        assert_eq!(referred("#/components/schemas/Gr%C3%B6%C3%9Fe").as_deref(), Some("Größe"));
        assert_eq!(referred("https://example.com/schema"), None);
    }
}
