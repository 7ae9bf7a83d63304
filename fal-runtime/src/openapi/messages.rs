//! What an app's own schemas say against its declaration.

use super::components::Schemas;
use super::{invalid_extractors, unenforced_rules};
use crate::app::Declaration;
use crate::endpoint::Endpoint;

impl Declaration {
    /// What its endpoints take whose schemas have rules that fal-runtime does not check, a sentence each. A type that
    /// derives `garde::Validate` is checked; whether one checks itself where it is deserialized cannot be told.
    pub fn unenforced_rules(&self) -> Vec<String> {
        collect_messages(self, unenforced_rules::of)
    }

    /// What is wrong with what its endpoints take, a sentence each: no request could be read as it.
    pub(crate) fn invalid_extractors(&self) -> Vec<String> {
        collect_messages(self, invalid_extractors::of)
    }
}

fn collect_messages(app: &Declaration, say: fn(&Endpoint, &mut Schemas, &mut Vec<String>)) -> Vec<String> {
    let (mut schemas, mut messages) = (Schemas::new(), Vec::new());
    for endpoint in app.endpoints() {
        say(endpoint, &mut schemas, &mut messages);
    }
    messages
}
