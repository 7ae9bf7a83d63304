//! Warnings about environment variables that have no effect.

use clap::{Arg, Command};
use fal_health::protocol::variable;

/// The prefix of all settings.
const PREFIX: &str = "FAL_";

/// The most edits between a setting and a variable that counts as a typo of it.
const MAX_EDITS: usize = 2;

/// A warning for each variable whose name is close to that of a setting.
pub(super) fn typos(command: &Command, variables: &[String]) -> Vec<String> {
    let settings = settings(command);
    let mut typos: Vec<_> = variables
        .iter()
        .filter(|name| {
            name.starts_with(PREFIX) && !name.starts_with(variable::PREFIX) && !settings.contains(*name)
        })
        .filter_map(|name| {
            let distance = |setting: &&String| strsim::damerau_levenshtein(setting, name);
            let nearest =
                settings.iter().min_by_key(distance).filter(|setting| distance(setting) <= MAX_EDITS)?;
            Some(format!("unknown setting {name} is ignored; did you mean {nearest}?"))
        })
        .collect();
    typos.sort();
    typos
}

/// A warning for each variable that is a setting of `run` but not of this subcommand.
pub(super) fn ignored(command: &Command, subcommand: &str, variables: &[String]) -> Vec<String> {
    let variable = |arg: &Arg| arg.get_env().map(|name| name.to_string_lossy().into_owned());
    let (Some(run), Some(selected)) = (command.find_subcommand("run"), command.find_subcommand(subcommand))
    else {
        return Vec::new();
    };
    let own: Vec<_> = selected.get_arguments().filter_map(variable).collect();
    let is_ignored =
        |arg: &&Arg| variable(arg).is_some_and(|name| variables.contains(&name) && !own.contains(&name));
    let ignored = run.get_arguments().filter(is_ignored).filter_map(|arg| {
        let (name, flag) = (variable(arg)?, arg.get_long()?);
        let has_one = selected.get_arguments().any(|own| own.get_long() == Some(flag));
        let advice = match flag {
            _ if !has_one => String::new(),
            // Every user can read a unit.
            "admin-token" => format!("; write it into a file and use `--{flag} @FILE`"),
            _ => format!("; use `--{flag}`"),
        };
        Some(format!("{name} has no effect on `{subcommand}`, only on `run`{advice}"))
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

    fn typos_of<const N: usize>(names: [&str; N]) -> Vec<String> {
        let command = Arguments::command().arg(Arg::new("runners").long("runners-2").env("FAL_SHARDS"));
        typos(&command, &names.map(ToString::to_string))
    }

    #[test]
    fn a_typo_gets_the_name_of_the_setting() {
        let warnings = typos_of(["FAL_SHARD", "FAL_LGO"]);
        let expected =
            |name: &str, setting: &str| format!("unknown setting {name} is ignored; did you mean {setting}?");
        assert_eq!(warnings, [expected("FAL_LGO", "FAL_LOG"), expected("FAL_SHARD", "FAL_SHARDS")]);
    }

    #[test]
    fn settings_and_unrelated_variables_get_no_warning() {
        let others = ["FAL_APP", "FAL_LOG", "FAL_RUNNER_ID", "FAL_KEY", "FAL_SOMETHING_ELSE", "FOL_SHARDS"];
        assert_eq!(typos_of(others), Vec::<String>::new());
    }

    #[cfg(feature = "host")]
    #[test]
    fn a_setting_of_run_gets_a_warning_with_serve() {
        let variables =
            ["FAL_APP", "FAL_LISTEN", "FAL_LOG", "FAL_RUNNERS", "FAL_QUEUE"].map(ToOwned::to_owned);
        assert_eq!(
            ignored(&Arguments::command(), "serve", &variables),
            [
                "FAL_RUNNERS has no effect on `serve`, only on `run`",
                "FAL_QUEUE has no effect on `serve`, only on `run`",
            ]
        );
    }
}
