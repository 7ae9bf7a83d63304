//! Writes the declaration of an endpoint and the closure that calls its method.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path, Type};

use super::Endpoint;
use super::signature::{Argument, is_named};
use crate::options::Setting;
use crate::span::{ends, here, respan};

impl Endpoint {
    /// The row of the app's table.
    pub(crate) fn row(&self, app: &Path) -> TokenStream {
        let Self { name, output, .. } = self;
        let (path, text) = (&self.path.literal, name.to_string());
        let docs = Some(&self.docs).filter(|docs| !docs.is_empty()).map(|docs| quote!(.docs(#docs)));
        let health_check = self.health_check.as_ref().map(|option| {
            let check = option.check.expand();
            quote!(.health_check(#check))
        });
        let declared = self.taken().map(|argument| {
            let place = argument.span();
            if self.health_check.is_some() {
                quote_spanned!(place=> .takes_head::<#argument>(__fal::known!(#argument)))
            } else {
                quote_spanned!(place=> .takes::<#argument, _>(__fal::known!(#argument)))
            }
        });
        let body_limit = self
            .body_limit
            .as_ref()
            .map(|Setting { name, value }| quote_spanned!(here(name)=> .body_limit(#value)));
        let returns = if let Some(events) = self.events() {
            quote_spanned!(events.span()=> .streams::<#events>())
        } else {
            let content = of_returns(output, "content");
            quote_spanned!(here(output)=> .returns(#content))
        };
        let fails = self.may_fail.then(|| {
            let failures = of_returns(output, "FAILURES");
            quote_spanned!(here(output)=> .fails(#failures))
        });
        let calls = self.calls(app);
        // What is wrong with the parameters is found at the end, and said at the path.
        let calls = quote_spanned!(path.span()=> .calls(#calls));
        let new = quote_spanned!(here(path)=> __fal::Endpoint::new(#path, #text));
        let row = quote! {
            #new
                #docs
                #health_check
                #body_limit
                #(#declared)*
                #returns
                #fails
                #calls
        };
        without_self(row, app)
    }

    /// The closure that calls the function, whose types it knows.
    fn calls(&self, app: &Path) -> TokenStream {
        let Self { name, output, .. } = self;
        let place = here(output);
        // Exactly where the row's own functions for that type are: what rustc finds wrong with it is then said once.
        let value = Ident::new("answer", output.span());
        let function = respan(&quote!(#app::#name), place);
        let names: Vec<_> = (0..self.taken().count()).map(|index| format_ident!("argument{index}")).collect();
        let take = self.taken().zip(&names).map(|(argument, name)| {
            let call = Ident::new("call", here(argument));
            // From the type's begin to its end, as rustc has it where the row names it: what it finds wrong is then said once.
            let (begin, end) = ends(argument);
            let given = quote_spanned!(begin=> __fal);
            let taking = quote_spanned!(end=> #given::Given::<#argument>::take(#call));
            quote_spanned!(here(argument)=> let #name = #taking.await?;)
        });
        let events =
            self.events().map(|events| quote_spanned!(here(events)=> let mut events = call.events()?;));
        let head = if self.is_async { quote!(call.head) } else { quote!(head) };
        let mut names = names.iter();
        let passed = self.arguments.iter().map(|argument| match argument {
            Argument::Head(lent) => {
                let head = respan(&head, here(lent));
                if matches!(&**lent, Type::Path(lent) if is_named(&lent.path, "ResponseHead")) {
                    head
                } else {
                    let lent = quote_spanned!(lent.span()=> __fal::lent::<#lent>);
                    quote!(#lent(#head))
                }
            }
            Argument::Events(events) => quote_spanned!(here(events)=> &mut events),
            Argument::Taken(_) => names.next().to_token_stream(),
        });
        let reply = of_returns(output, if events.is_some() { "end" } else { "reply" });
        let answer = if self.is_async {
            quote_spanned! {place=>
                let #value = #function(call.app(), #(#passed),*).await;
                #reply(#value)
            }
        } else {
            let has_head = self.arguments.iter().any(|argument| matches!(argument, Argument::Head(_)));
            let head = if has_head { quote!(head) } else { quote!(_) };
            quote_spanned! {place=>
                call.blocking(move |app, #head| {
                    let #value = #function(app, #(#passed),*);
                    #reply(#value)
                })
                .await
            }
        };
        // At the name as its author wrote it: of a future that is not `Send`, rustc then shows the function's own lines.
        let block = Group::new(Delimiter::Brace, quote!(#(#take)* #events #answer));
        let future = respan(&quote!(async move #block), name.span());
        let boxed = respan(&quote!(__Boxed::of), name.span());
        let passed = Group::new(Delimiter::Parenthesis, future);
        let boxed = respan(&quote!(#boxed #passed), name.span());
        quote_spanned!(here(name)=> |call| #boxed)
    }
}

/// `Returns::<#output>::#name`, all of it at the result's type: what is wrong with it is said once, however often it is
/// used.
fn of_returns(output: &Type, name: &str) -> TokenStream {
    let name = Ident::new(name, output.span());
    quote_spanned!(output.span()=> __fal::Returns::<#output>::#name)
}

/// A row stands outside of the `impl` block, where `Self` is not known.
fn without_self(tokens: TokenStream, app: &Path) -> TokenStream {
    let replaced = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(name) if name == "Self" => respan(&app.to_token_stream(), name.span()),
        TokenTree::Group(group) => {
            let mut replaced = Group::new(group.delimiter(), without_self(group.stream(), app));
            replaced.set_span(group.span());
            TokenTree::Group(replaced).into()
        }
        other => other.into(),
    });
    replaced.collect()
}
