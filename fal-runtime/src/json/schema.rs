//! The JSON schema of a type, with the type erased.

use std::borrow::Cow;
use std::cell::Cell;

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// The JSON schema of a type, with the type erased.
///
/// The functions of a schema generator are generic and would be compiled for each type. This compiles one function
/// for each type.
#[derive(Clone, Copy, Debug)]
pub struct SchemaOf(fn(Option<&mut SchemaGenerator>) -> Described);

/// The schema of a type if a generator was passed, and otherwise its names. One of the two, since each program has
/// this function for each type, and to return both is a tenth of it.
enum Described {
    Schema(Schema),
    Names(SchemaNames),
}

/// Under which names the definitions of a document have a type.
#[derive(Default)]
struct SchemaNames {
    is_inline: bool,
    name: Cow<'static, str>,
    id: Cow<'static, str>,
}

fn describe<T: JsonSchema>(generator: Option<&mut SchemaGenerator>) -> Described {
    match generator {
        Some(generator) => Described::Schema(T::json_schema(generator)),
        None => Described::Names(SchemaNames {
            is_inline: T::inline_schema(),
            name: T::schema_name(),
            id: T::schema_id(),
        }),
    }
}

thread_local! {
    /// The type that [`ErasedSchema`] stands for. It is read before the type's own schema is built, so nesting is
    /// safe.
    static DESCRIBED: Cell<SchemaOf> = const { Cell::new(SchemaOf::of::<()>()) };
}

impl SchemaOf {
    /// The schema of this type.
    pub const fn of<T: JsonSchema>() -> Self {
        Self(describe::<T>)
    }

    /// The schema, or a reference to it in the generator's definitions.
    pub(crate) fn made_by(self, generator: &mut SchemaGenerator) -> Schema {
        DESCRIBED.set(self);
        generator.subschema_for::<ErasedSchema>()
    }

    /// The schema inline, without a reference.
    pub(crate) fn inline(self, generator: &mut SchemaGenerator) -> Schema {
        match (self.0)(Some(generator)) {
            Described::Schema(schema) => schema,
            // A generator was passed.
            Described::Names(_) => Schema::default(),
        }
    }

    /// The name of the type.
    pub(crate) fn name(self) -> Cow<'static, str> {
        self.names().name
    }

    fn names(self) -> SchemaNames {
        match (self.0)(None) {
            Described::Names(names) => names,
            // No generator was passed.
            Described::Schema(_) => SchemaNames::default(),
        }
    }
}

/// The type that generators see. `JsonSchema` has no `self`, so a thread-local variable names the real type.
enum ErasedSchema {}

impl JsonSchema for ErasedSchema {
    fn inline_schema() -> bool {
        DESCRIBED.get().names().is_inline
    }

    fn schema_name() -> Cow<'static, str> {
        DESCRIBED.get().names().name
    }

    fn schema_id() -> Cow<'static, str> {
        DESCRIBED.get().names().id
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        DESCRIBED.get().inline(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod other {
        #[derive(schemars::JsonSchema)]
        #[expect(dead_code, reason = "only described")]
        pub(super) struct Item {
            pub(super) size: u8,
        }
    }

    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only described")]
    struct Item {
        parent: Option<Box<Item>>,
        other: other::Item,
    }

    #[test]
    fn a_type_is_described_as_if_its_name_were_known() {
        let (mut ours, mut theirs) = (SchemaGenerator::default(), SchemaGenerator::default());
        for of in [SchemaOf::of::<Item>(), SchemaOf::of::<other::Item>(), SchemaOf::of::<Vec<Item>>()] {
            of.made_by(&mut ours);
        }
        theirs.subschema_for::<Item>();
        theirs.subschema_for::<other::Item>();
        assert_eq!(ours.definitions(), theirs.definitions());
        let made = SchemaOf::of::<Vec<Item>>().made_by(&mut ours);
        assert_eq!(made, theirs.subschema_for::<Vec<Item>>());
    }
}
