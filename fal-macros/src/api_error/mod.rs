//! Expands `#[derive(ApiError)]`.

mod ast;
mod expand;
mod fallback;
mod validate;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use self::fallback::fallback;
use self::validate::ApiError;
use crate::errors::Errors;

/// Expands `#[derive(ApiError)]` on an enum.
pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let derived = errors.ok_or_push(syn::parse2::<DeriveInput>(input)).and_then(|input| {
        let valid = ApiError::from_input(&input, &mut errors);
        valid.map(|error| error.expand()).or_else(|| fallback(&input))
    });
    quote!(#derived #errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(input: TokenStream) -> Vec<String> {
        let text = derive(input).to_string();
        let messages = text.split("compile_error ! { \"").skip(1);
        messages.map(|message| message.split("\" }").next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn every_mistake_is_reported_once_with_what_to_write() {
        for (input, message) in [
            (
                quote!(
                    struct Failed;
                ),
                "an `ApiError` must be an enum: write one variant for each error",
            ),
            (
                quote!(
                    enum E {
                        A,
                    }
                ),
                "missing `#[api(…)]`: write `#[api(status = 404, detail = \\\"…\\\")]` above this variant",
            ),
            (
                quote!(
                    enum E {
                        #[api()]
                        A,
                    }
                ),
                "missing status: write `#[api(status = 404, …)]`",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = 200)]
                        A,
                    }
                ),
                "invalid status of an error: write a number from 400 to 599, such as `status = 404`",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = "404")]
                        A,
                    }
                ),
                "invalid status of an error: write a number from 400 to 599, such as `status = 404`",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = 404, text = "a")]
                        A,
                    }
                ),
                "unknown option: write `status`, `detail`, `header`, `log` or `transparent`",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = 404, detail = "{a}")]
                        A,
                    }
                ),
                "unknown field `{a}`: the variant has no fields, so remove the placeholder",
            ),
            (
                quote!(
                    enum E {
                        #[api(transparent)]
                        A,
                    }
                ),
                "a `transparent` variant must have one field, the error: write `Other(#[from] Error)`",
            ),
            (
                quote!(
                    enum E {
                        #[api(transparent, status = 404)]
                        A(Error),
                    }
                ),
                "`transparent` takes the status and the texts from the field: remove the other options",
            ),
            (
                quote!(
                    enum E {
                        #[api(status = 404)]
                        A(#[from] X, u8),
                    }
                ),
                "`#[from]` needs a variant with one field: write `#[source]`, and construct the variant yourself",
            ),
            (
                quote!(
                    enum E<T> {
                        #[api(status = 404)]
                        A(T),
                    }
                ),
                "an `ApiError` cannot have generic parameters: write concrete types instead",
            ),
        ] {
            assert_eq!(messages(input.clone()), [message], "{input}");
        }
    }

    #[test]
    fn a_mistake_in_a_header_is_reported_with_what_to_write() {
        for (header, message) in [
            (
                quote!(header("Retry After", "1")),
                "invalid header name `Retry After`: write lower-case letters, digits and `-`, such as `retry-after`",
            ),
            (
                quote!(header("retry-after", "1\n")),
                "invalid header value: remove the line break or other control character",
            ),
            (
                quote!(header("retry-after")),
                "expected a name and a value: write `header(\\\"retry-after\\\", \\\"{seconds}\\\")`",
            ),
        ] {
            let input = quote!(
                enum E {
                    #[api(status = 429, #header)]
                    A,
                }
            );
            assert_eq!(messages(input), [message], "{header}");
        }
    }

    #[test]
    fn a_variant_without_texts_is_logged_by_its_name_in_words() {
        for (name, words) in [("IndexLost", "index lost"), ("HTTPTimeout", "http timeout"), ("Busy", "busy")]
        {
            let name = quote::format_ident!("{name}");
            let expanded = derive(quote!(enum E { #[api(status = 503)] #name })).to_string();
            assert!(expanded.contains(&format!("write_str (\"{words}\")")), "{expanded}");
        }
    }

    #[test]
    fn the_expansion_is_readable() {
        let expansion = derive(quote! {
            enum PredictError {
                #[api(status = 404, detail = "there is no model `{name}`")]
                UnknownModel { name: String },
                #[api(status = 503, log = "no index on {0}")]
                IndexLost(String, #[source] std::io::Error),
                #[api(transparent)]
                Other(#[from] Error),
            }
        });
        let file = syn::parse2(expansion).expect("the expansion is a file of items");
        insta::assert_snapshot!(prettyplease::unparse(&file));
    }
}
