//! A value in a file of manifests, which knows its path.

use saphyr::Yaml;

/// A value in a manifest, or the place where it could be.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    path: String,
    value: Option<&'a Yaml<'a>>,
}

impl<'a> Node<'a> {
    /// A whole manifest.
    pub(super) fn root(manifest: &'a Yaml<'a>) -> Self {
        Self { path: String::new(), value: Some(manifest) }
    }

    /// The value under a key. There is none if this is no mapping.
    pub(super) fn key(&self, key: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self {
            path: format!("{}{dot}{key}", self.path),
            value: self.value.and_then(|value| value.as_mapping_get(key)),
        }
    }

    /// The values of a list. The list is empty if this is no list.
    pub(super) fn items(&self) -> Vec<Self> {
        let items = self.value.and_then(Yaml::as_sequence).into_iter().flatten().enumerate();
        let item = |(index, value)| Self { path: format!("{}[{index}]", self.path), value: Some(value) };
        items.map(item).collect()
    }

    /// Where the value is in its manifest.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn exists(&self) -> bool {
        self.value.is_some()
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.value.and_then(Yaml::as_str)
    }

    pub(super) fn number(&self) -> Option<u64> {
        self.value.and_then(Yaml::as_integer).and_then(|number| number.try_into().ok())
    }

    /// The value in the place of a number. A text of digits is none.
    pub(super) fn shown_as_number(&self) -> String {
        self.text().map_or_else(|| self.shown(), |text| format!("the text {text:?}"))
    }

    /// The value as a person reads it.
    pub(super) fn shown(&self) -> String {
        match self.value {
            None => "nothing".to_owned(),
            Some(value) => match (value.as_str(), value.as_integer()) {
                (Some(text), _) => text.to_owned(),
                (None, Some(number)) => number.to_string(),
                (None, None) => "another type of value".to_owned(),
            },
        }
    }
}
