//! Parses the forms of a health check: parentheses, braces, angle brackets, or a constant.

use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Block, Expr, Lit, Path, Token, braced, parenthesized, token};

use super::HealthCheck;
use crate::options::{Setting, parse_comma, parse_name};

impl HealthCheck {
    /// Whether a path to the type comes next. All forms but the constant begin with it.
    pub(crate) fn peek(input: ParseStream<'_>) -> bool {
        peek_path(input).is_some()
    }
}

impl Parse for HealthCheck {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Some(path) = peek_path(input) else {
            let constant = input.parse()?;
            return if is_constant(&constant) {
                Ok(Self::Constant(constant))
            } else {
                Err(syn::Error::new_spanned(
                    constant,
                    "invalid health check: write `HealthCheck(…)`, or a constant of that type",
                ))
            };
        };
        Path::parse_mod_style(input)?;
        let settings = if input.peek(token::Paren) {
            let content;
            parenthesized!(content in input);
            parse_list(&content, Setting::parse, End::OfGroup)?
        } else if input.peek(token::Brace) {
            let content;
            braced!(content in input);
            parse_list(&content, parse_in_braces, End::OfGroup)?
        } else if input.peek(Token![<]) {
            input.parse::<Token![<]>()?;
            let settings = parse_list(input, parse_in_angles, End::Angle)?;
            input.parse::<Token![>]>()?;
            settings
        } else if input.peek(token::Bracket) {
            return Err(input
                .error("unexpected brackets: write the settings in parentheses, `HealthCheck(name = …)`"));
        } else {
            Vec::new()
        };
        Ok(Self::Settings { path, settings })
    }
}

/// Whether an expression can be a constant of type `HealthCheck`. A literal and a type cannot, and neither can a call
/// with settings: it has another type's name.
fn is_constant(expression: &Expr) -> bool {
    let is_setting = |argument: &Expr| matches!(argument, Expr::Assign(_));
    match expression {
        Expr::Lit(_) => false,
        Expr::Call(call) => !call.args.iter().any(is_setting),
        Expr::Path(path) => path.path.segments.last().is_none_or(|name| name.arguments.is_none()),
        _ => true,
    }
}

/// The next path, if it ends in `HealthCheck`. Consumes nothing.
fn peek_path(input: ParseStream<'_>) -> Option<Path> {
    let path = input.fork().call(Path::parse_mod_style).ok()?;
    (path.segments.last()?.ident == "HealthCheck").then_some(path)
}

/// Where a list of settings ends.
#[derive(Clone, Copy)]
enum End {
    /// With the group that contains it.
    OfGroup,
    /// Before a `>`.
    Angle,
}

/// Parses settings with commas between them. A `..` may end them: it stands for the defaults, and changes nothing.
fn parse_list(
    input: ParseStream<'_>,
    setting: fn(ParseStream<'_>) -> syn::Result<Setting>,
    end: End,
) -> syn::Result<Vec<Setting>> {
    let is_end = |input: ParseStream<'_>| match end {
        End::OfGroup => input.is_empty(),
        End::Angle => input.peek(Token![>]),
    };
    let mut settings = Vec::new();
    while !is_end(input) {
        if input.peek(Token![..]) {
            input.parse::<Token![..]>()?;
            if !is_end(input) {
                return Err(input.error("unexpected setting after `..`: write `..` last"));
            }
        } else {
            settings.push(setting(input)?);
            match end {
                End::OfGroup => parse_comma(input)?,
                End::Angle if is_end(input) => {}
                End::Angle if input.is_empty() => {
                    return Err(input.error("missing `>`: write it after the last setting"));
                }
                End::Angle if input.peek(Token![,]) => {
                    input.parse::<Token![,]>()?;
                }
                End::Angle => {
                    return Err(input
                        .error("invalid value in angle brackets: write an expression in braces, `{ … }`"));
                }
            }
        }
    }
    Ok(settings)
}

/// Parses `a: 1`, or `a` for a constant of that name.
fn parse_in_braces(input: ParseStream<'_>) -> syn::Result<Setting> {
    let name = parse_name(input)?;
    if input.peek(Token![=]) {
        return Err(input.error(format!("unexpected `=` in braces: write `{name}: …`")));
    }
    let value = if input.peek(Token![:]) {
        input.parse::<Token![:]>()?;
        input.parse::<Expr>()?.into_token_stream()
    } else {
        name.to_token_stream()
    };
    Ok(Setting { name, value })
}

/// Parses `a = 1` where a value is a literal, a path or a block, as for const generics.
fn parse_in_angles(input: ParseStream<'_>) -> syn::Result<Setting> {
    let name = parse_name(input)?;
    if !input.peek(Token![=]) {
        return Err(input.error(format!("missing `=` in angle brackets: write `{name} = …`")));
    }
    input.parse::<Token![=]>()?;
    let value = if input.peek(token::Brace) {
        input.parse::<Block>()?.into_token_stream()
    } else if input.peek(Lit) || input.peek(Token![-]) {
        let minus: Option<Token![-]> = input.parse()?;
        let literal: Lit = input.parse()?;
        quote!(#minus #literal)
    } else {
        input.call(Path::parse_mod_style)?.into_token_stream()
    };
    Ok(Setting { name, value })
}
