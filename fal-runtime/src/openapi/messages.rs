//! Checks of a declaration by its schemas.

use super::components::Schemas;
use super::{invalid_extractors, unenforced_rules};
use crate::app::Declaration;
use crate::endpoint::{Endpoint, HeadSource};

impl Declaration {
    /// Inputs whose schemas have rules that fal-runtime does not check, or lengths that garde does not count in characters, a
    /// sentence each. Types that derive `garde::Validate` are checked. Types that check themselves in `Deserialize` are reported,
    /// since that cannot be detected.
    pub fn unenforced_rules(&self) -> Vec<String> {
        collect_messages(self, unenforced_rules::of)
    }

    /// Extractors that fit no request, a sentence each.
    pub(crate) fn invalid_extractors(&self) -> Vec<String> {
        let mut messages = collect_messages(self, invalid_extractors::of);
        messages.extend(self.endpoints().into_iter().flat_map(|endpoint| self.foreign_extractors(endpoint)));
        messages
    }

    /// The extractors of an endpoint that belong to another app.
    fn foreign_extractors(&self, endpoint: &Endpoint) -> Vec<String> {
        let app = (self.type_id)();
        let taken = endpoint.sources().filter_map(|known| match known.source {
            HeadSource::App(argument) if (argument.app)() != app => Some((argument.type_name)()),
            _ => None,
        });
        let name = endpoint.name();
        taken.map(|taken| format!("the endpoint `{name}` takes `{taken}`, which implements `FromApp` for another app: implement it for this one")).collect()
    }
}

fn collect_messages(app: &Declaration, say: fn(&Endpoint, &mut Schemas, &mut Vec<String>)) -> Vec<String> {
    let (mut schemas, mut messages) = (Schemas::new(), Vec::new());
    for endpoint in app.endpoints() {
        say(endpoint, &mut schemas, &mut messages);
    }
    messages
}
