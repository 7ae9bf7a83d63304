use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{
    Attribute, FnArg, GenericArgument, Ident, ImplItemFn, LitStr, Meta, Path, PathArguments, ReturnType,
    Token, Type, parse_quote_spanned,
};

use crate::health_check::HealthCheck;
use crate::mistakes::Mistakes;
use crate::options::{Setting, comma};
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
    /// Whether a result is written: nothing does not fail.
    may_fail: bool,
}

/// The option of the attribute that makes an endpoint the health check.
pub(crate) struct HealthCheckOption {
    pub(crate) place: Span,
    check: HealthCheck,
}

enum Argument {
    /// `&mut ResponseHead`: where it is called otherwise, rustc says if it is another type.
    Head(Box<Type>),
    /// `&mut Events<T>`, by the name of its type.
    Events(Box<Type>),
    /// What the type takes from the request.
    Taken(Box<Type>),
}

const BEGINS: &str = "an endpoint begins with its path: write `#[endpoint(\"/path\")]`";
const OPTIONS: &str = "write `health_check = …` or `body_limit = …`";

/// What stands in the parentheses of `#[endpoint(…)]`.
struct Arguments {
    path: LitStr,
    health_check: Option<HealthCheckOption>,
    body_limit: Option<Setting>,
}

impl Arguments {
    fn of(attribute: &Attribute) -> syn::Result<Self> {
        match &attribute.meta {
            Meta::List(list) if list.tokens.is_empty() => Err(syn::Error::new_spanned(&list.path, BEGINS)),
            Meta::List(list) => list.parse_args(),
            Meta::Path(path) => Err(syn::Error::new_spanned(path, BEGINS)),
            Meta::NameValue(value) => Err(syn::Error::new_spanned(&value.value, BEGINS)),
        }
    }
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(LitStr) {
            return Err(input.error(BEGINS));
        }
        let path = input.parse()?;
        let (mut health_check, mut body_limit) = (None, None);
        while !input.is_empty() {
            comma(input)?;
            if input.is_empty() {
                break;
            }
            let place = input.span();
            if !HealthCheck::is_next(input) {
                if input.peek(LitStr) {
                    return Err(input.error("an endpoint has one path: take this away"));
                }
                let other = |_| input.error(format!("{OPTIONS} here"));
                let option: Ident = input.fork().parse().map_err(other)?;
                if option == "body_limit" {
                    if body_limit.replace(input.parse()?).is_some() {
                        return Err(syn::Error::new(place, "`body_limit` is given twice: take one away"));
                    }
                    continue;
                }
                if option != "health_check" {
                    let message = if option == "method" || option == "methods" {
                        format!("an endpoint answers POST, and a health check GET, too: take `{option}` away")
                    } else {
                        format!("an endpoint has no option `{option}`: {OPTIONS}")
                    };
                    return Err(syn::Error::new(option.span(), message));
                }
                input.parse::<Ident>()?;
                let equals: Option<Token![=]> = input.parse()?;
                if equals.is_none() || input.is_empty() {
                    return Err(syn::Error::new(place, "write `health_check = HealthCheck(…)`"));
                }
            }
            let check = input.parse()?;
            if health_check.is_some() {
                return Err(syn::Error::new(place, "`health_check` is given twice: take one away"));
            }
            health_check = Some(HealthCheckOption { place, check });
        }
        Ok(Self { path, health_check, body_limit })
    }
}

impl Endpoint {
    /// The endpoint that a method with this attribute is; none where there is a mistake.
    pub(crate) fn check(attribute: &Attribute, method: &ImplItemFn, mistakes: &mut Mistakes) -> Option<Self> {
        let arguments = mistakes.keep(Arguments::of(attribute));
        let signature = signature(method, mistakes);
        let Arguments { path, health_check, body_limit } = arguments?;
        let literal = path.clone();
        let path = RoutePath::check(path, mistakes);
        let health_check = health_check
            .map(|option| HealthCheckOption { check: option.check.check(mistakes), place: option.place });
        let path = path?;
        if health_check.is_some() && path.parameters > 0 {
            mistakes.at(literal, "a health check is called at this very path: take its parameters away");
            return None;
        }
        if let (Some(_), Some(limit)) = (&health_check, &body_limit) {
            mistakes.at(&limit.name, "a health check has no body: take `body_limit` away");
            return None;
        }
        let (arguments, output) = signature?;
        for argument in &arguments {
            let Argument::Taken(argument) = argument else { continue };
            let (count, names) = (values_of_path(argument), path.parameters);
            if let Some(count) = count.filter(|count| names > 0 && *count != names) {
                let message = format!(
                    "this takes {count} of the path's parameters, which has {names}: write as many here"
                );
                mistakes.at(argument, message);
                return None;
            }
        }
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
            may_fail: matches!(method.sig.output, ReturnType::Type(..)),
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

/// The same tokens, for rustc to report at another place. What stands in groups stays where it is.
pub(crate) fn respan(tokens: &TokenStream, place: Span) -> TokenStream {
    let respanned = tokens.clone().into_iter().map(|mut token| {
        token.set_span(place);
        token
    });
    respanned.collect()
}

/// Where rustc is to report what it finds wrong with code of ours: at the user's own.
fn here(place: &impl Spanned) -> Span {
    place.span().resolved_at(Span::call_site())
}

/// Where the first and the last of its tokens are.
fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut tokens = tokens.to_token_stream().into_iter();
    let begin = tokens.next().map_or_else(Span::call_site, |token| token.span());
    (begin, tokens.last().map_or(begin, |token| token.span()))
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
                    Argument::Head(lent.elem.clone())
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
                let wanted = match &*borrowed.elem {
                    Type::Path(lent) if is_lent(&lent.path) => format!("&mut {}", text(&borrowed.elem)),
                    Type::Path(lent) if lent.path.is_ident("str") => "String".into(),
                    Type::Slice(slice) => format!("Vec<{}>", text(&slice.elem)),
                    owned => text(owned),
                };
                found.at(&input.ty, format!("write `{wanted}` here: of references, an endpoint takes only `&mut ResponseHead` and `&mut Events<…>`"));
            }
            Type::Path(owned) if is_lent_by_value(&owned.path) => {
                found.at(&input.ty, format!("the runtime lends it: write `&mut {}`", text(&input.ty)));
            }
            _ if let Some(lifetime) = lifetime(input.ty.to_token_stream()) => {
                found.at(lifetime, "an argument is owned: name a type that borrows nothing");
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
    matches!(lent, Type::Path(lent) if is_named(&lent.path, "Events"))
}

/// Whether a type is one of those that the runtime lends to an endpoint.
fn is_lent(path: &Path) -> bool {
    is_named(path, "Events") || is_named(path, "ResponseHead")
}

/// Whether it is certainly one of those: an app may have a type of its own that is called `Events`, for a body.
fn is_lent_by_value(path: &Path) -> bool {
    let has_items = path.segments.last().is_some_and(|name| !name.arguments.is_none());
    is_named(path, "ResponseHead") || (is_named(path, "Events") && has_items)
}

fn is_named(path: &Path, wanted: &str) -> bool {
    path.segments.last().is_some_and(|name| name.ident == wanted)
}

/// How many parameters a `Path<…>` takes, where its type shows it: a tuple as many as it has, a plain value one.
fn values_of_path(taken: &Type) -> Option<usize> {
    let Type::Path(path) = taken else { return None };
    let path = path.path.segments.last().filter(|path| path.ident == "Path")?;
    let PathArguments::AngleBracketed(values) = &path.arguments else { return None };
    match values.args.first()? {
        GenericArgument::Type(Type::Tuple(values)) => Some(values.elems.len()),
        GenericArgument::Type(Type::Path(value)) => {
            let plain =
                ["String", "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8"];
            let plain = plain.iter().chain(&["u16", "u32", "u64", "u128", "usize"]);
            plain.into_iter().any(|plain| value.path.is_ident(plain)).then_some(1)
        }
        _ => None,
    }
}

/// The first lifetime in a type that is not `'static`, or the first reference without one.
fn lifetime(tokens: TokenStream) -> Option<TokenStream> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(and) if and.as_char() == '&' => {
                let is_named =
                    |next: &TokenTree| matches!(next, TokenTree::Punct(quote) if quote.as_char() == '\'');
                if !tokens.peek().is_some_and(is_named) {
                    return Some(quote!(#and));
                }
            }
            TokenTree::Group(group) => {
                if let Some(found) = lifetime(group.stream()) {
                    return Some(found);
                }
            }
            TokenTree::Punct(quote) if quote.as_char() == '\'' => {
                if let Some(TokenTree::Ident(name)) = tokens.next()
                    && name != "static"
                {
                    return Some(quote!(#quote #name));
                }
            }
            _ => {}
        }
    }
    None
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
