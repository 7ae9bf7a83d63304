//! The expansions as readable Rust, compared with golden files. `INSTA_UPDATE=always cargo test -p fal-macros` renews
//! them.

use std::fs;

use proc_macro2::TokenStream;
use quote::quote;

use crate::app::{app, endpoints};

fn print(expansion: TokenStream) -> String {
    let file = syn::parse2(expansion).expect("the expansion is a file of items");
    prettyplease::unparse(&file)
}

/// The lines of an expansion that grow with its endpoints: the statics and the marker impls. The user's `cfg` attributes do
/// not count.
fn endpoint_lines(printed: &str) -> Vec<&str> {
    let lines = printed.lines().map(str::trim_start).filter(|line| !line.starts_with("#[cfg("));
    let statics = lines.clone().skip_while(|line| !line.starts_with("static ENDPOINT_"));
    let statics = statics.take_while(|line| !line.starts_with("__fal::inventory::submit!"));
    let markers = lines.skip_while(|line| !line.starts_with("impl __fal::two_endpoints"));
    statics.chain(markers.take_while(|line| *line != "};")).collect()
}

#[test]
fn an_endpoint_expands_to_at_most_twelve_lines_on_average() {
    let (mut endpoints, mut lines) = (0, 0);
    for golden in
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/snapshots")).expect("it is there")
    {
        let printed = fs::read_to_string(golden.expect("it can be read").path()).expect("it is text");
        let found = endpoint_lines(&printed);
        endpoints += found.iter().filter(|line| line.starts_with("static ENDPOINT_")).count();
        lines += found.len();
    }
    assert!(endpoints >= 5, "they are found: {endpoints}");
    assert!(lines <= 12 * endpoints, "{lines} lines of {endpoints} endpoints");
}

#[test]
fn an_app_with_every_kind_of_endpoint() {
    let options = quote!(max_multiplexing = 4, startup_timeout = 600);
    let item = quote! {
        /// Tells languages apart.
        impl MyApp {
            async fn setup() -> Result<Self> {
                Ok(Self { model: Model::load()? })
            }

            /// Says which language a text is in.
            #[endpoint("/")]
            async fn predict(&self, input: Input, response: &mut ResponseHead) -> Result<Output> {
                self.model.run(input)
            }

            #[cfg(feature = "heavy")]
            #[endpoint("/users/{id}")]
            fn heavy(&self, id: Path<u64>, input: Input) -> Vec<Self::Item> {
                self.model.run_for_long(id, input)
            }

            #[endpoint("/health", health_check = HealthCheck(timeout_seconds = 5, failure_threshold = 2))]
            async fn health(&self) {}
        }
    };
    insta::assert_snapshot!(print(app(options, item)));
}

#[test]
fn an_app_on_its_struct() {
    insta::assert_snapshot!(print(app(
        quote!(crate = fal),
        quote!(
            struct MyApp;
        )
    )));
}

#[test]
fn a_further_block() {
    let item = quote! {
        impl super::MyApp {
            #[endpoint("/health", HealthCheck)]
            fn health(&self, response: &mut ResponseHead) -> Result<()> {
                Ok(())
            }
        }
    };
    insta::assert_snapshot!(print(endpoints(quote!(), item)));
}

#[test]
fn two_mistakes_are_two_errors_and_the_item_is_given_back() {
    let item = quote! {
        impl MyApp {
            #[endpoint("predict")]
            async fn predict(&mut self) {}

            #[endpoint("/sound")]
            async fn sound(&self) {}
        }
    };
    insta::assert_snapshot!(print(endpoints(quote!(), item)));
}
