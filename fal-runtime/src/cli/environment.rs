//! Variables that look like settings of this program and are none.

use clap::{Arg, Command};
use fal_health::protocol::variable;

/// What all settings of ours begin with.
const OURS: &str = "FAL_";

/// A name that is this close to a setting's is taken for a slip, in edits.
const SLIP: usize = 2;

/// A warning for each variable that is no setting, but nearly one.
pub(super) fn slips(command: &Command, variables: &[String]) -> Vec<String> {
    let settings = settings(command);
    let mut slips: Vec<_> = variables
        .iter()
        .filter(|name| {
            name.starts_with(OURS) && !name.starts_with(variable::PREFIX) && !settings.contains(*name)
        })
        .filter_map(|name| {
            let distance = |setting: &&String| strsim::damerau_levenshtein(setting, name);
            let nearest = settings.iter().min_by_key(distance).filter(|setting| distance(setting) <= SLIP)?;
            Some(format!("{name} is no setting of this program and is ignored; did you mean {nearest}?"))
        })
        .collect();
    slips.sort();
    slips
}

/// A warning for each variable that is a setting, and not of the subcommand that is meant.
pub(super) fn ignored(command: &Command, subcommand: &str, variables: &[String]) -> Vec<String> {
    let variable = |arg: &Arg| arg.get_env().map(|name| name.to_string_lossy().into_owned());
    let (Some(run), Some(meant)) = (command.find_subcommand("run"), command.find_subcommand(subcommand))
    else {
        return Vec::new();
    };
    let own: Vec<_> = meant.get_arguments().filter_map(variable).collect();
    let is_ignored =
        |arg: &&Arg| variable(arg).is_some_and(|name| variables.contains(&name) && !own.contains(&name));
    let ignored = run.get_arguments().filter(is_ignored).filter_map(|arg| {
        let (name, flag) = (variable(arg)?, arg.get_long()?);
        let has_one = meant.get_arguments().any(|own| own.get_long() == Some(flag));
        let advice = if has_one { format!("; give it `--{flag}`") } else { String::new() };
        Some(format!("{name} is a setting of `run` and is ignored by `{subcommand}`{advice}"))
    });
    ignored.collect()
}

fn settings(command: &Command) -> Vec<String> {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let options = commands.flat_map(Command::get_arguments).filter_map(Arg::get_env);
    let mut settings: Vec<_> = options.map(|name| name.to_string_lossy().into_owned()).collect();
    settings.push("FAL_LOG".to_owned());
    settings.sort();
    settings.dedup();
    settings
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::options::Arguments;

    fn slips_of<const N: usize>(names: [&str; N]) -> Vec<String> {
        let command = Arguments::command().arg(Arg::new("runners").long("runners-2").env("FAL_SHARDS"));
        slips(&command, &names.map(ToString::to_string))
    }

    #[test]
    fn a_variable_that_is_nearly_a_setting_is_answered_with_it() {
        let told = slips_of(["FAL_SHARD", "FAL_LGO"]);
        let expected = |name: &str, setting: &str| {
            format!("{name} is no setting of this program and is ignored; did you mean {setting}?")
        };
        assert_eq!(told, [expected("FAL_LGO", "FAL_LOG"), expected("FAL_SHARD", "FAL_SHARDS")]);
    }

    #[test]
    fn settings_and_what_is_far_from_any_are_left_alone() {
        let others = ["FAL_APP", "FAL_LOG", "FAL_RUNNER_ID", "FAL_KEY", "FAL_SOMETHING_ELSE", "FOL_SHARDS"];
        assert_eq!(slips_of(others), Vec::<String>::new());
    }

    #[cfg(feature = "host")]
    #[test]
    fn a_setting_of_run_is_said_to_be_ignored_by_serve() {
        let variables = ["FAL_APP", "FAL_LISTEN", "FAL_LOG", "FAL_RUNNERS"].map(ToOwned::to_owned);
        assert_eq!(
            ignored(&Arguments::command(), "serve", &variables),
            [
                "FAL_LISTEN is a setting of `run` and is ignored by `serve`; give it `--listen`",
                "FAL_RUNNERS is a setting of `run` and is ignored by `serve`",
            ]
        );
    }
}
