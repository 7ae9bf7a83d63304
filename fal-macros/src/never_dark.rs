//! Whatever stands in an item, it is given back: less our attributes, and with errors after it.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;

use crate::app::{app, endpoints};
use crate::strip::strip;

/// A block with everything that the attributes read.
fn block() -> TokenStream {
    quote! {
        #[doc = "An app."]
        impl MyApp {
            async fn setup() -> Result<Self> { Ok(Self) }

            #[doc = "Predicts."]
            #[endpoint("/users/{id}")]
            async fn predict(&self, id: Path<u64>, input: Input, response: &mut ResponseHead) -> Result<Output> {
                self.model.run(input)
            }

            #[cfg(unix)]
            #[fal_runtime::endpoint("/health", health_check = HealthCheck { timeout_seconds: 5, .. })]
            fn health(&self) {}

            #[endpoint("/other", HealthCheck<timeout_seconds = { 5 }, ..>)]
            fn other(&self) {}

            fn teardown(self) {}
        }
    }
}

/// The tokens cut at every one of them, in groups, too.
fn cuts(tokens: &TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut cuts = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let before = || tokens[..at].iter().cloned();
        cuts.push(before().collect());
        if let TokenTree::Group(group) = token {
            cuts.extend(self::cuts(&group.stream()).into_iter().map(|inner| {
                let cut = Group::new(group.delimiter(), inner);
                before().chain([TokenTree::Group(cut)]).collect()
            }));
        }
    }
    cuts
}

#[test]
fn an_item_cut_at_any_token_is_given_back() {
    let cuts = cuts(&block());
    assert!(cuts.len() > 100);
    for cut in cuts {
        let kept = strip(cut.clone()).to_string();
        for expanded in [app(quote!(), cut.clone()), endpoints(quote!(), cut.clone())] {
            assert!(expanded.to_string().starts_with(&kept), "{cut}\n{expanded}");
        }
    }
}

#[test]
fn options_cut_at_any_token_are_errors_and_the_item_stays() {
    let options =
        quote!(name = "my-app", max_multiplexing = { 1 + 3 }, startup_timeout = -600, crate = ::fal);
    for cut in cuts(&options) {
        let expanded = app(cut.clone(), block()).to_string();
        assert!(expanded.starts_with(&strip(block()).to_string()), "{cut}\n{expanded}");
        assert!(expanded.contains("App for MyApp"), "{cut}: the app is declared all the same");
    }
}

#[test]
fn what_is_no_block_is_given_back_with_one_error() {
    for item in [
        quote!(
            enum MyApp {
                A,
            }
        ),
        quote!(
            trait MyApp {}
        ),
        quote!(
            fn my_app() {}
        ),
        quote!(impl X for MyApp {}),
    ] {
        let expanded = app(quote!(), item.clone()).to_string();
        assert!(expanded.starts_with(&item.to_string()), "{expanded}");
        assert_eq!(expanded.matches("compile_error").count(), 1, "{expanded}");
    }
}
