use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Attribute, FnArg, Ident, ImplItemFn, LitStr, Path, ReturnType, Token, Type, parse_quote_spanned};

use crate::health_check::HealthCheck;
use crate::mistakes::Mistakes;
use crate::options::Setting;
use crate::path::RoutePath;

/// A method that is an endpoint, found to be sound.
pub(crate) struct Endpoint {
    pub(crate) path: RoutePath,
    pub(crate) health_check: Option<HealthCheckOption>,
    pub(crate) cfgs: Vec<Attribute>,
    body_limit: Option<Setting>,
    name: Ident,
    docs: String,
    is_async: bool,
    arguments: Vec<Argument>,
    output: Type,
}

/// The option of the attribute that makes an endpoint the health check.
pub(crate) struct HealthCheckOption {
    pub(crate) place: Span,
    check: HealthCheck,
}

enum Argument {
    /// `&mut ResponseHead`: rustc says if it is another type.
    Head(Span),
    /// `&mut Events<T>`, by the name of its type.
    Events(Box<Type>),
    /// What the type takes from the request.
    Taken(Box<Type>),
}

/// What stands in the parentheses of `#[endpoint(…)]`.
struct Arguments {
    path: LitStr,
    health_check: Option<HealthCheckOption>,
    body_limit: Option<Setting>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(LitStr) {
            return Err(input.error("an endpoint begins with its path: `#[endpoint(\"/path\")]`"));
        }
        let path = input.parse()?;
        let (mut health_check, mut body_limit) = (None, None);
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let place = input.span();
            if !HealthCheck::is_next(input) {
                let option: Ident = input.fork().parse()?;
                if option == "body_limit" {
                    if body_limit.replace(input.parse()?).is_some() {
                        return Err(syn::Error::new(place, "`body_limit` is given twice"));
                    }
                    continue;
                }
                if option != "health_check" {
                    let message = format!(
                        "an endpoint has no option `{option}`: it has a path, `health_check` and `body_limit`"
                    );
                    return Err(syn::Error::new(option.span(), message));
                }
                input.parse::<Ident>()?;
                input.parse::<Token![=]>()?;
            }
            let check = input.parse()?;
            if health_check.is_some() {
                return Err(syn::Error::new(place, "`health_check` is given twice"));
            }
            health_check = Some(HealthCheckOption { place, check });
        }
        Ok(Self { path, health_check, body_limit })
    }
}

impl Endpoint {
    /// The endpoint that a method with this attribute is; none where there is a mistake.
    pub(crate) fn check(attribute: &Attribute, method: &ImplItemFn, mistakes: &mut Mistakes) -> Option<Self> {
        let arguments = mistakes.keep(attribute.parse_args::<Arguments>());
        let signature = signature(method, mistakes);
        let Arguments { path, health_check, body_limit } = arguments?;
        let literal = path.clone();
        let path = RoutePath::check(path, mistakes);
        let health_check = health_check
            .map(|option| HealthCheckOption { check: option.check.check(mistakes), place: option.place });
        let path = path?;
        if health_check.is_some() && path.has_parameters {
            mistakes.at(literal, "a health check is called at this very path: take its parameters away");
            return None;
        }
        if let (Some(_), Some(limit)) = (&health_check, &body_limit) {
            mistakes.at(&limit.name, "a health check has no body: take `body_limit` away");
            return None;
        }
        let (arguments, output) = signature?;
        let endpoint = Self {
            path,
            health_check,
            body_limit,
            cfgs: method.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect(),
            name: method.sig.ident.clone(),
            docs: docs(&method.attrs),
            is_async: method.sig.asyncness.is_some(),
            arguments,
            output,
        };
        if let (Some(_), Some(events)) = (&endpoint.health_check, endpoint.events()) {
            mistakes.at(events, "a health check does not stream: return its answer instead");
            return None;
        }
        Some(endpoint)
    }

    pub(crate) fn name(&self) -> &Ident {
        &self.name
    }
}

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
            let place = here(argument);
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
            quote_spanned!(here(events)=> .streams::<#events>())
        } else {
            quote_spanned!(here(output)=> .returns(__fal::Returns::<#output>::content))
        };
        let fails = quote_spanned!(here(output)=> .fails(__fal::Returns::<#output>::FAILURES));
        let calls = self.calls(app);
        let new = quote_spanned!(here(path)=> __fal::Endpoint::new(#path, #text));
        let row = quote! {
            #new
                #docs
                #health_check
                #body_limit
                #(#declared)*
                #returns
                #fails
                .calls(#calls)
        };
        without_self(row, app)
    }

    /// The closure that calls the function, whose types it knows.
    fn calls(&self, app: &Path) -> TokenStream {
        let Self { name, output, .. } = self;
        // All of it at the result's type, with nothing of the user's between: what rustc finds wrong with that type
        // here it has found in the schema already, and says once.
        let place = here(output);
        let function = respan(&quote!(#app::#name), place);
        let names: Vec<_> = (0..self.taken().count()).map(|index| format_ident!("argument{index}")).collect();
        let take = self.taken().zip(&names).map(|(argument, name)| {
            quote_spanned!(here(argument)=> let #name = call.take::<#argument, _>().await?;)
        });
        let events =
            self.events().map(|events| quote_spanned!(here(events)=> let mut events = call.events()?;));
        let mutable = (events.is_some() || !names.is_empty()).then(|| quote!(mut));
        let head = if self.is_async { quote!(call.head) } else { quote!(head) };
        let mut names = names.iter();
        let passed = self.arguments.iter().map(|argument| match argument {
            Argument::Head(place) => respan(&head, *place),
            Argument::Events(events) => quote_spanned!(here(events)=> &mut events),
            Argument::Taken(_) => names.next().to_token_stream(),
        });
        let reply =
            if events.is_some() { quote_spanned!(place=> end) } else { quote_spanned!(place=> reply) };
        let answer = if self.is_async {
            quote_spanned! {place=>
                __fal::Returns::<#output>::#reply(#function(call.app()?, #(#passed),*).await)
            }
        } else {
            let has_head = self.arguments.iter().any(|argument| matches!(argument, Argument::Head(_)));
            let head = if has_head { quote!(head) } else { quote!(_) };
            quote_spanned! {place=>
                call.blocking(move |app, #head| {
                    __fal::Returns::<#output>::#reply(#function(app, #(#passed),*))
                })
                .await
            }
        };
        quote_spanned! {here(name)=>
            |#mutable call| __fal::boxed(async move {
                #(#take)*
                #events
                #answer
            })
        }
    }

    fn taken(&self) -> impl Iterator<Item = &Type> {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Taken(taken) => Some(&**taken),
            Argument::Head(_) | Argument::Events(_) => None,
        })
    }

    fn events(&self) -> Option<&Type> {
        self.arguments.iter().find_map(|argument| match argument {
            Argument::Events(events) => Some(&**events),
            Argument::Head(_) | Argument::Taken(_) => None,
        })
    }
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

/// The same tokens, for rustc to report at another place.
fn respan(tokens: &TokenStream, place: Span) -> TokenStream {
    let respanned = tokens.clone().into_iter().map(|mut token| {
        token.set_span(place.resolved_at(token.span()));
        token
    });
    respanned.collect()
}

/// Where rustc is to report what it finds wrong with code of ours: at the user's own.
fn here(place: &impl Spanned) -> Span {
    place.span().resolved_at(Span::call_site())
}

fn signature(method: &ImplItemFn, mistakes: &mut Mistakes) -> Option<(Vec<Argument>, Type)> {
    let signature = &method.sig;
    let mut found = Mistakes::default();
    if !signature.generics.params.is_empty() {
        found.at(
            &signature.generics,
            "an endpoint has no generic parameters: name the types that it takes and returns",
        );
    }
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        Some(FnArg::Receiver(receiver)) if is_shared(receiver) => {}
        Some(FnArg::Receiver(receiver)) => {
            found.at(receiver, "requests share the app: write `&self`, and put what changes behind a lock");
        }
        Some(FnArg::Typed(first)) => {
            found.at(first, "requests share the app: write `&self` before this argument");
        }
        None => found.at(&signature.ident, "requests share the app: write `&self` in its parentheses"),
    }
    let mut arguments = Vec::new();
    for input in inputs {
        let FnArg::Typed(input) = input else { continue };
        match &*input.ty {
            Type::Reference(lent) if lent.mutability.is_some() => {
                let is_lent = |argument: &&Argument| !matches!(argument, Argument::Taken(_));
                let argument = if is_events(&lent.elem) {
                    Argument::Events(lent.elem.clone())
                } else {
                    Argument::Head(here(&input.ty))
                };
                match (arguments.iter().find(is_lent), &argument) {
                    (None, _) => {}
                    (Some(Argument::Events(_)), Argument::Events(_)) => {
                        found.at(input, "an endpoint sends one kind of events: take this argument away");
                    }
                    (Some(Argument::Events(_)), _) | (_, Argument::Events(_)) => found.at(
                        input,
                        "the events have the response's head: take one of the two away, and write \
                         `events.response()` for the head",
                    ),
                    _ => found.at(input, "a response has one head: take this argument away"),
                }
                arguments.push(argument);
            }
            Type::Reference(borrowed) => {
                found
                    .at(input, format!("an argument is owned: write `{}` without `&`", text(&borrowed.elem)));
            }
            Type::ImplTrait(_) => {
                found.at(input, "name the type of this argument: it decides where it is taken from");
            }
            _ => arguments.push(Argument::Taken(input.ty.clone())),
        }
    }
    let output = match &signature.output {
        ReturnType::Default => parse_quote_spanned!(here(&signature.ident)=> ()),
        ReturnType::Type(_, output) => {
            if let Type::ImplTrait(_) = **output {
                found.at(output, "name the type of the result: the OpenAPI document describes it");
            }
            (**output).clone()
        }
    };
    let is_sound = found.is_empty();
    mistakes.append(found);
    is_sound.then_some((arguments, output))
}

/// Whether a type is `Events<…>`, however it is reached.
fn is_events(lent: &Type) -> bool {
    let Type::Path(lent) = lent else { return false };
    lent.path.segments.last().is_some_and(|name| name.ident == "Events")
}

fn is_shared(receiver: &syn::Receiver) -> bool {
    receiver.colon_token.is_none() && receiver.reference.is_some() && receiver.mutability.is_none()
}

/// A type as it was written.
fn text(written: &Type) -> String {
    let tokens = written.to_token_stream();
    written.span().source_text().unwrap_or_else(|| tokens.to_string())
}

/// A doc comment as it was written, less the space after the slashes.
pub(crate) fn docs(attributes: &[Attribute]) -> String {
    let lines =
        attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
            let syn::Meta::NameValue(doc) = &attribute.meta else { return None };
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(line), .. }) = &doc.value else {
                return None;
            };
            Some(line.value())
        });
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).to_owned()).collect();
    lines.join("\n").trim().to_owned()
}
