//! Variables that look like settings of this program and are none.

use clap::Command;

/// What all settings of ours begin with.
const OURS: &str = "FAL_";

/// What a host tells its runners.
const RUNNERS: &str = "FAL_RUNNER_";

/// A name that is this close to a setting's is taken for a slip, in edits.
const SLIP: usize = 2;

/// A warning for each variable that is no setting, but nearly one.
pub(super) fn slips(command: &Command, variables: impl Iterator<Item = String>) -> Vec<String> {
    let settings = settings(command);
    let mut slips: Vec<_> = variables
        .filter(|name| name.starts_with(OURS) && !name.starts_with(RUNNERS) && !settings.contains(name))
        .filter_map(|name| {
            let distance = |setting: &&String| strsim::damerau_levenshtein(setting, &name);
            let nearest = settings.iter().min_by_key(distance).filter(|setting| distance(setting) <= SLIP)?;
            Some(format!("{name} is no setting of this program and is ignored; did you mean {nearest}?"))
        })
        .collect();
    slips.sort();
    slips
}

fn settings(command: &Command) -> Vec<String> {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let options = commands.flat_map(Command::get_arguments).filter_map(clap::Arg::get_env);
    let mut settings: Vec<_> = options.map(|name| name.to_string_lossy().into_owned()).collect();
    settings.push("FAL_LOG".to_owned());
    settings.sort();
    settings.dedup();
    settings
}

#[cfg(test)]
mod tests {
    use clap::{Arg, CommandFactory};

    use super::*;
    use crate::cli::options::Arguments;

    fn slips_of(names: &[&str]) -> Vec<String> {
        let command = Arguments::command().arg(Arg::new("runners").long("runners-2").env("FAL_SHARDS"));
        slips(&command, names.iter().map(ToString::to_string))
    }

    #[test]
    fn a_variable_that_is_nearly_a_setting_is_answered_with_it() {
        let told = slips_of(&["FAL_SHARD", "FAL_LGO"]);
        let expected = |name: &str, setting: &str| {
            format!("{name} is no setting of this program and is ignored; did you mean {setting}?")
        };
        assert_eq!(told, [expected("FAL_LGO", "FAL_LOG"), expected("FAL_SHARD", "FAL_SHARDS")]);
    }

    #[test]
    fn settings_and_what_is_far_from_any_are_left_alone() {
        let others = ["FAL_APP", "FAL_LOG", "FAL_RUNNER_ID", "FAL_KEY", "FAL_SOMETHING_ELSE", "FOL_SHARDS"];
        assert_eq!(slips_of(&others), Vec::<String>::new());
    }
}
