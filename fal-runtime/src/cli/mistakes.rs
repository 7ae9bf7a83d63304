use std::ffi::OsString;
use std::fmt::Write;

use clap::builder::ValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

use super::secrets::without_users;
use super::tips;

/// What was given on the command line and in the environment, or all that is wrong with it.
pub(super) fn read(command: &Command, arguments: &[OsString]) -> Result<ArgMatches, Wrong> {
    let (mut lenient, mut arguments) = (command.clone(), arguments.to_vec());
    let mut wrong = Vec::new();
    // What clap says where it is all that is wrong: how the option is to be used, too.
    let mut alone = None;
    // clap stops at the first mistake: so a value that cannot be is taken as it is, an option that is none is left out,
    // and all is read again.
    loop {
        let error = match lenient.clone().try_get_matches_from(&arguments) {
            Ok(given) if wrong.is_empty() => return Ok(given),
            Ok(_) => break,
            Err(mut error) => {
                tips::add(&mut error, &lenient, &arguments);
                error
            }
        };
        match (error.kind(), error.get(ContextKind::InvalidArg)) {
            (ErrorKind::ValueValidation | ErrorKind::InvalidValue, Some(ContextValue::String(option))) => {
                let variable = variable(&lenient, option, &arguments);
                let said = sentence(&error.to_string(), variable.as_deref());
                if wrong.contains(&said) {
                    // Any value would do by now: it has none.
                    break;
                }
                wrong.push(said);
                lenient = accept_anything(lenient, option);
            }
            (ErrorKind::UnknownArgument, Some(ContextValue::String(option)))
                if leave_out(&mut arguments, option) =>
            {
                wrong.push(sentence(&error.to_string(), None));
                alone = Some(error);
            }
            // Help, the version, and what is wrong with the command line itself: clap says it best.
            _ if wrong.is_empty() => return Err(Wrong::Other(error)),
            // What comes of leaving something out is no mistake of anybody's.
            (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::MissingSubcommand, _) => break,
            _ => {
                wrong.push(sentence(&error.to_string(), None));
                break;
            }
        }
    }
    match alone {
        Some(error) if wrong.len() == 1 => Err(Wrong::Other(error)),
        _ => Err(Wrong::Settings(wrong)),
    }
}

/// Why there are no settings to go by.
#[derive(Debug)]
pub(super) enum Wrong {
    /// What clap ends the program with.
    Other(clap::Error),
    /// Every setting that cannot be, in words.
    Settings(Vec<String>),
}

/// All mistakes, for people.
pub(super) fn report(mistakes: &[String]) -> String {
    let mut text = match mistakes.len() {
        1 => "error: a setting is wrong\n".to_owned(),
        count => format!("error: {count} settings are wrong\n"),
    };
    for mistake in mistakes {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {mistake}");
    }
    text.push_str("\nFor more information, try '--help'.\n");
    text
}

/// Takes an option that is none out of the arguments, with the word after it that looks like its value. Says whether it
/// was there.
fn leave_out(arguments: &mut Vec<OsString>, option: &str) -> bool {
    let is_option = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        option.starts_with("--") && argument.split('=').next() == Some(option)
    };
    let Some(at) = arguments.iter().position(is_option) else { return false };
    let has_value = arguments.get(at) == Some(&option.into());
    arguments.remove(at);
    if has_value && arguments.get(at).is_some_and(|next| !next.to_string_lossy().starts_with('-')) {
        arguments.remove(at);
    }
    true
}

/// The command line with one option, also where it is one of a subcommand, that takes every value.
fn accept_anything(command: Command, option: &str) -> Command {
    let relax = |arg: Arg| if is(&arg, option) { arg.value_parser(ValueParser::os_string()) } else { arg };
    command.mut_args(relax).mut_subcommands(|subcommand| subcommand.mut_args(relax))
}

/// Whether an option is the one that clap writes so: `--queue <COUNT>`.
fn is(arg: &Arg, option: &str) -> bool {
    let flag = option.split(' ').next().and_then(|flag| flag.strip_prefix("--"));
    flag.is_some() && arg.get_long() == flag
}

/// The variable that an option's value comes from, where it is not from the command line.
fn variable(command: &Command, option: &str, arguments: &[OsString]) -> Option<String> {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let arg = commands.flat_map(Command::get_arguments).find(|arg| is(arg, option))?;
    let flag = format!("--{}", arg.get_long()?);
    let is_flag = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument == flag || argument.strip_prefix(&flag).is_some_and(|rest| rest.starts_with('='))
    };
    let is_given = arguments.iter().any(is_flag);
    arg.get_env().filter(|_| !is_given).map(|name| name.to_string_lossy().into_owned())
}

/// What clap says of one mistake, in a line and without its advice for all.
fn sentence(error: &str, variable: Option<&str>) -> String {
    let error = error.strip_prefix("error: ").unwrap_or(error);
    let ends = ["\n\nUsage:", "\n\nFor more information"];
    let end = ends.iter().filter_map(|end| error.find(end)).min().unwrap_or(error.len());
    let said: Vec<_> = error.get(..end).unwrap_or(error).split_whitespace().collect();
    let said = without_users(&said.join(" ")).into_owned();
    match variable {
        Some(variable) => format!("{said} (from {variable})"),
        None => said,
    }
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    fn number(name: &'static str) -> Arg {
        Arg::new(name).long(name).value_name("COUNT").value_parser(clap::value_parser!(u8))
    }

    fn command() -> Command {
        let mode = Arg::new("mode").long("mode").value_name("MODE").value_parser(["beside", "exclusive"]);
        let options = [number("runners"), number("queue"), mode];
        Command::new("app")
            .args_conflicts_with_subcommands(true)
            .args(options.clone())
            .subcommand(Command::new("run").args(options))
    }

    fn mistakes(arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<_> = ["app"].iter().chain(arguments).map(OsString::from).collect();
        match read(&command(), &arguments) {
            Err(Wrong::Settings(mistakes)) => mistakes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_value_that_cannot_be_is_told_at_once() {
        for subcommand in [&["run"][..], &[]] {
            let arguments = [subcommand, &["--queue", "many", "--runners=300", "--mode", "besides"]].concat();
            let mut told = mistakes(&arguments);
            told.sort();
            assert_eq!(
                told,
                [
                    "invalid value '300' for '--runners <COUNT>': 300 is not in 0..=255",
                    "invalid value 'besides' for '--mode <MODE>' [possible values: beside, exclusive] \
                     tip: a similar value exists: 'beside'",
                    "invalid value 'many' for '--queue <COUNT>': invalid digit found in string",
                ],
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn an_option_without_its_value_is_told_once_beside_the_others() {
        for arguments in [&["--queue"][..], &["--queue", "--runners", "2"], &["run", "--queue"]] {
            let told = mistakes(arguments);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].contains("a value is required for '--queue <COUNT>'"), "{told:?}");
        }
        let told = mistakes(&["--runners", "many", "--queue"]);
        assert_eq!(told.len(), 2, "{told:?}");
    }

    #[test]
    fn an_option_that_is_none_hides_no_other_mistake() {
        let runners = "unexpected argument '--runers' found tip: a similar argument exists: '--runners'";
        let queue = "invalid value 'many' for '--queue <COUNT>': invalid digit found in string";
        for arguments in [
            ["--runers", "2", "--queue", "many"],
            ["--queue", "many", "--runers", "2"],
            ["--runers=2", "--queue", "many", "--mode=beside"],
        ] {
            let mut told = mistakes(&arguments);
            told.sort();
            assert_eq!(told, [queue, runners], "{arguments:?}");
        }
    }

    #[test]
    fn a_value_from_the_environment_names_its_variable() {
        // A variable that is set wherever tests run, to something that is no number.
        let command = Command::new("app").arg(number("runners").env("CARGO_MANIFEST_DIR"));
        let Err(Wrong::Settings(told)) = read(&command, &["app".into()]) else { panic!("it is no number") };
        assert!(told[0].ends_with("(from CARGO_MANIFEST_DIR)"), "{told:?}");
        let given = ["app".into(), "--runners=2".into()];
        assert!(read(&command, &given).is_ok());
    }

    #[test]
    fn a_command_line_that_is_none_is_left_to_clap() {
        for arguments in [["app", "--help"], ["app", "--rnners"], ["app", "-x"], ["app", "runn"]] {
            let arguments = arguments.map(OsString::from);
            assert!(matches!(read(&command(), &arguments), Err(Wrong::Other(_))));
        }
    }

    #[test]
    fn a_report_has_a_line_for_each_mistake() {
        let text = report(&["one".to_owned(), "two".to_owned()]);
        assert_eq!(
            text,
            "error: 2 settings are wrong\n  one\n  two\n\nFor more information, try '--help'.\n"
        );
    }
}
