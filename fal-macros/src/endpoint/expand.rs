//! Writes the declaration of an endpoint and the closure that calls its method.
//!
//! The spans are chosen so that rustc reports an error once, at the user's own code: rustc drops an error that equals
//! an earlier one in text and span, so tokens that fail for the same reason get the same span.

use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Attribute, Ident, Path, Type};

use super::Endpoint;
use super::signature::{Argument, ArgumentKind};
use super::types::is_named;
use crate::method::Method;
use crate::options::Setting;
use crate::span::{call_site_span, first_and_last_span, with_span};

/// A call of the initializer that may depend on a `#[cfg(…)]`.
struct Step<'a> {
    cfgs: &'a [Attribute],
    span: Span,
    call: TokenStream,
}

impl Endpoint {
    /// Writes the initializer of the endpoint's `static`.
    pub(crate) fn initializer(&self, app: &Path) -> TokenStream {
        let Self { output, .. } = self;
        let (path, name) = (&self.path.literal, self.name.unraw().to_string());
        let method = (self.method != Method::Post).then(|| {
            let method = self.method.constant(Span::call_site());
            quote!(.answers(__fal::EndpointMethod::#method))
        });
        let docs = self.docs.expand().map(|docs| quote!(.docs(#docs)));
        let health_check = self.health_check.as_ref().map(|option| {
            let check = option.check.expand();
            quote!(.checks_health(#check))
        });
        let body_limit = self
            .body_limit
            .as_ref()
            .map(|Setting { name, value }| quote_spanned!(call_site_span(name)=> .body_limit(#value)));
        let idempotent = self.idempotent.as_ref().map(|_| quote!(.idempotent()));
        let returns = if let Some(events) = self.events() {
            quote_spanned!(events.span()=> .streams::<#events>())
        } else {
            let content = item_of_returns(output, "fal_content");
            quote_spanned!(call_site_span(output)=> .returns(#content))
        };
        let fails = self.may_fail.then(|| {
            let failures = item_of_returns(output, "FAL_FAILURES");
            quote_spanned!(call_site_span(output)=> .fails(#failures))
        });
        let handler = self.handler_closure(app);
        // It comes last and checks that an argument takes the path's parameters: its errors belong to the path.
        let calls = quote_spanned!(path.span()=> .calls(#handler));
        let new = quote_spanned!(call_site_span(path)=> __fal::Endpoint::new(#path, #name));
        let head = quote!(#new #method #docs #health_check #body_limit #idempotent);
        let tail = quote!(#returns #fails #calls);
        let steps = self.steps();
        let is_conditional = steps.iter().any(|step| !step.cfgs.is_empty());
        let initializer = if is_conditional {
            // A call in a chain cannot have attributes, a statement can.
            let steps = steps.iter().map(|Step { cfgs, span, call }| {
                let endpoint = Ident::new("endpoint", *span);
                quote!(#(#cfgs)* let #endpoint = #endpoint #call;)
            });
            quote!({ let endpoint = #head; #(#steps)* endpoint #tail })
        } else {
            let calls = steps.iter().map(|step| &step.call);
            quote!(#head #(#calls)* #tail)
        };
        replace_self(initializer, app)
    }

    /// The calls of the initializer that may depend on a `#[cfg(…)]`.
    fn steps(&self) -> Vec<Step<'_>> {
        let deprecated = self.deprecated.as_ref().map(|cfgs| {
            let call = quote!(.deprecated());
            Step { cfgs, span: Span::call_site(), call }
        });
        let extractors = self.extractors().map(|(cfgs, extractor)| {
            let call = self.takes(extractor);
            Step { cfgs, span: call_site_span(extractor), call }
        });
        deprecated.into_iter().chain(extractors).collect()
    }

    /// Writes the impl of the marker for its path and method. A health check has its path to itself.
    pub(crate) fn path_marker(&self, app: &Path) -> TokenStream {
        let (path, hash) = (&self.path.literal, Literal::u64_unsuffixed(self.path.hash));
        let (generics, method) = match self.method {
            _ if self.health_check.is_some() => (Some(quote!(<M>)), Some(quote!(, M))),
            Method::Post => (None, None),
            other => {
                let other = other.constant(Span::call_site());
                (None, Some(quote!(, __fal::method::#other)))
            }
        };
        quote_spanned! {call_site_span(path)=>
            impl #generics __fal::two_endpoints_have_the_same_path<#hash #method> for #app {}
        }
    }

    /// Writes the call that declares an argument.
    fn takes(&self, extractor: &Type) -> TokenStream {
        let span = extractor.span();
        if self.has_body() {
            quote_spanned!(span=> .takes::<#extractor, _>(__fal::argument_info!(#extractor)))
        } else {
            quote_spanned!(span=> .takes_head::<#extractor, _>(__fal::argument_info!(#extractor)))
        }
    }

    /// Writes the closure that extracts the arguments and calls the method.
    fn handler_closure(&self, app: &Path) -> TokenStream {
        let Self { name, output, .. } = self;
        let span = call_site_span(output);
        let function = with_span(&quote!(#app::#name), span);
        let extracted: Vec<_> =
            (0..self.extractors().count()).map(|index| format_ident!("argument{index}")).collect();
        let extract = self.extractors().zip(&extracted).map(|((cfgs, extractor), name)| {
            let call = Ident::new("call", call_site_span(extractor));
            // From the first token of the type to its last, as in `.takes::<…>`.
            let (first, last) = first_and_last_span(extractor);
            let fal = quote_spanned!(first=> __fal);
            let take = quote_spanned!(last=> #fal::Probe::<#extractor>::fal_extract(#call));
            quote_spanned!(call_site_span(extractor)=> #(#cfgs)* let #name = #take.await?;)
        });
        let events = self
            .events()
            .map(|events| quote_spanned!(call_site_span(events)=> let mut events = call.events()?;));
        let arguments = self.call_arguments(&extracted);
        let reply = item_of_returns(output, if events.is_some() { "fal_end" } else { "fal_reply" });
        let answer = Ident::new("answer", output.span());
        // The deprecation is for callers, and the app calls its endpoints in any case.
        let allow = self.deprecated.as_ref().map(|_| quote!(#[allow(deprecated)]));
        let call = if self.is_async {
            quote_spanned! {span=>
                #allow let #answer = #function(call.app(), #(#arguments),*).await;
                #reply(#answer)
            }
        } else {
            let mut heads = self
                .arguments
                .iter()
                .filter(|argument| matches!(argument.kind, ArgumentKind::ResponseHead(_)));
            let head = match heads.next() {
                None => quote!(_),
                Some(Argument { cfgs, .. }) if cfgs.is_empty() => quote!(head),
                Some(_) => quote!(
                    #[allow(unused_variables)]
                    head
                ),
            };
            quote_spanned! {span=>
                call.blocking(move |app, #head| {
                    #allow let #answer = #function(app, #(#arguments),*);
                    #reply(#answer)
                })
                .await
            }
        };
        // The span of the name, with its hygiene: for a future that is not `Send`, rustc then shows lines of the method.
        let block = Group::new(Delimiter::Brace, quote!(#(#extract)* #events #call));
        let future = with_span(&quote!(async move #block), name.span());
        let boxed = with_span(&quote!(__Boxed::fal_box), name.span());
        let future = Group::new(Delimiter::Parenthesis, future);
        let boxed = with_span(&quote!(#boxed #future), name.span());
        quote_spanned!(call_site_span(name)=> |call| #boxed)
    }

    /// The arguments of the call after the app. `extracted` are the variables that hold what has been extracted.
    fn call_arguments(&self, extracted: &[Ident]) -> Vec<TokenStream> {
        let head = if self.is_async { quote!(call.head) } else { quote!(head) };
        let mut extracted = extracted.iter();
        let arguments = self.arguments.iter().map(|Argument { cfgs, kind }| {
            let value = match kind {
                ArgumentKind::ResponseHead(ty) => {
                    let head = with_span(&head, call_site_span(ty));
                    if matches!(ty, Type::Path(ty) if is_named(&ty.path, "ResponseHead")) {
                        head
                    } else {
                        let head_type = quote_spanned!(ty.span()=> __fal::as_response_head::<#ty>);
                        quote!(#head_type(#head))
                    }
                }
                ArgumentKind::Events(ty) => quote_spanned!(call_site_span(ty)=> &mut events),
                ArgumentKind::Extractor(_) => extracted.next().to_token_stream(),
            };
            quote!(#(#cfgs)* #value)
        });
        arguments.collect()
    }
}

/// Writes `Returns::<#output>::#name`, all of it with the span of the return type.
fn item_of_returns(output: &Type, name: &str) -> TokenStream {
    let name = Ident::new(name, output.span());
    quote_spanned!(output.span()=> __fal::Returns::<#output>::#name)
}

/// Replaces `Self` by the app: the declaration stands outside of the `impl` block.
fn replace_self(tokens: TokenStream, app: &Path) -> TokenStream {
    let replaced = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(name) if name == "Self" => with_span(&app.to_token_stream(), name.span()),
        TokenTree::Group(group) => {
            let mut replaced = Group::new(group.delimiter(), replace_self(group.stream(), app));
            replaced.set_span(group.span());
            TokenTree::Group(replaced).into()
        }
        other => other.into(),
    });
    replaced.collect()
}
