//! The names of components: unique, stable, and of the characters that OpenAPI allows.
//!
//! The maps are `serde_json`'s: each further type of a map would enlarge every program.

use percent_encoding::percent_decode_str;
use schemars::SchemaGenerator;
use serde_json::{Map, Value};

const PREFIX: &str = "#/components/schemas/";

/// The component's name in a reference, decoded. schemars percent-encodes it and escapes it as a JSON pointer.
pub(super) fn referred(reference: &str) -> Option<String> {
    let encoded = reference.strip_prefix(PREFIX)?;
    let pointer = percent_decode_str(encoded).decode_utf8().ok()?;
    Some(pointer.replace("~1", "/").replace("~0", "~"))
}

/// Replaces each component's name in the references of a schema.
pub(super) fn replace_references(schema: &mut Value, replace: &dyn Fn(&str) -> String) {
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
pub(super) type Types = Map<String, Value>;

/// The types that a generator has defined.
///
/// schemars shows the ids of nested types in its `Debug` output only. If a later version formats it differently, a name stands
/// for its id.
pub(super) fn types(generator: &SchemaGenerator) -> Types {
    let ids = ids(&format!("{generator:?}")).unwrap_or_default();
    let mut types = Types::new();
    for name in generator.definitions().keys() {
        let id = ids.get(name).cloned().unwrap_or_else(|| name.as_str().into());
        types.insert(name.clone(), id);
    }
    types
}

/// Reads the ids by name: `schema_id_to_name: {SchemaUid("crate::module::Item", Serialize): "Item"}`.
fn ids(debug: &str) -> Option<Types> {
    let (_, mut rest) = debug.split_once("schema_id_to_name: {")?;
    let mut ids = Types::new();
    while let Some(uid) = rest.strip_prefix("SchemaUid(") {
        let (id, after) = quoted(uid)?;
        let (_, named) = after.split_once("): ")?;
        let (name, after) = quoted(named)?;
        ids.insert(name, id.into());
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
pub(super) struct Names {
    /// As the types' authors wrote them.
    titles: Types,
    /// As the document refers to them.
    components: Types,
}

impl Names {
    /// Names the types of two generators. Types of one name are qualified by their modules.
    pub(super) fn of(inputs: &Types, outputs: &Types) -> Self {
        let mut titles = Types::new();
        for types in [inputs, outputs] {
            for (name, id) in types {
                let id = text(id);
                if !titles.contains_key(id) {
                    titles.insert(id.to_owned(), title(name, id, types).into());
                }
            }
        }
        titles.sort_keys();
        // How many types have a name: the value is whether there are several.
        let mut shared = Types::new();
        for title in titles.values() {
            let name = allowed(text(title));
            let is_known = shared.contains_key(&name);
            shared.insert(name, is_known.into());
        }
        let (mut taken, mut components) = (Types::new(), Types::new());
        for (id, title) in &titles {
            let plain = allowed(text(title));
            let is_shared = shared.get(&plain).is_some_and(|is_shared| *is_shared == true);
            let name = if is_shared { allowed(&qualified(id, text(title))) } else { plain };
            components.insert(id.clone(), unique(name, &mut taken).into());
        }
        Self { titles, components }
    }

    /// The title of the type with this id.
    pub(super) fn title(&self, id: &Value) -> Option<&Value> {
        self.titles.get(text(id))
    }

    /// The components of a generator's types, by the generator's names.
    pub(super) fn by_type(&self, types: &Types) -> Types {
        let mut names = Types::new();
        for (name, id) in types {
            if let Some(component) = self.components.get(text(id)) {
                names.insert(name.clone(), component.clone());
            }
        }
        names
    }

    /// The names of all components, as the keys of a map.
    pub(super) fn taken(&self) -> Types {
        let mut taken = Types::new();
        for component in self.components.values() {
            taken.insert(text(component).to_owned(), Value::Null);
        }
        taken
    }
}

/// The text of a value that is one.
pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The first of `name`, `name-2`, … that is not taken.
pub(super) fn unique(name: String, taken: &mut Types) -> String {
    let mut candidate = name.clone();
    for number in 2.. {
        if !taken.contains_key(&candidate) {
            taken.insert(candidate.clone(), Value::Null);
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
        let types = types(&generator);
        let mut ids: Vec<_> = types.iter().map(|(name, id)| (name.as_str(), text(id))).collect();
        ids.sort_unstable();
        let expected = [
            ("Item", Item::schema_id()),
            ("Item2", shop::Item::schema_id()),
            ("Listed \"2\"", Listed::schema_id()),
        ];
        assert_eq!(ids, expected.each_ref().map(|(name, id)| (*name, &**id)));
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
