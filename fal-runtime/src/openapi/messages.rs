//! Checks of a declaration by its schemas.

use super::components::Schemas;
use super::{invalid_extractors, unenforced_rules};
use crate::app::Declaration;
use crate::endpoint::Endpoint;

impl Declaration {
    /// Inputs whose schemas have rules that fal-runtime does not check, a sentence each. Types that derive
    /// `garde::Validate` are checked. Types that check themselves in `Deserialize` are reported, since that cannot
    /// be detected.
    pub fn unenforced_rules(&self) -> Vec<String> {
        collect_messages(self, unenforced_rules::of)
    }

    /// Extractors that fit no request, a sentence each.
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
