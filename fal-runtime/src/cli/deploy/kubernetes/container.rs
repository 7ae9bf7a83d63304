//! The container of a pod that runs this program, as its manifest has it.

use std::ffi::OsString;
use std::time::Duration;

use clap::{ArgAction, FromArgMatches};

use super::node::Node;
use super::ports::{self, Addresses};
use super::probes::Form;
use crate::app::Settings;
use crate::cli::command;
use crate::cli::deploy::times::Times;
use crate::cli::options::{Arguments, Command};

/// What the arguments of a container mean.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) form: Form,
    pub(super) addresses: Addresses,
    lame_duck: Duration,
    drain: Duration,
    /// The grace period, if it is not the app's.
    grace: Option<Duration>,
}

impl Run {
    pub(super) fn times(self, app: &Settings) -> Times {
        let times = Times::new(app, self.lame_duck, self.drain);
        self.grace.map_or(times, |grace| times.with_grace(grace))
    }
}

/// The container of the app: the one that is called `app`, or the only one.
pub(super) fn of_app<'a>(pod: &Node<'a>) -> Option<Node<'a>> {
    let mut containers = pod.key("containers").items();
    let is_app = |container: &Node| container.key("name").text() == Some("app");
    match containers.iter().position(is_app) {
        Some(index) => Some(containers.swap_remove(index)),
        None if containers.len() == 1 => containers.pop(),
        None => None,
    }
}

/// Reads the arguments and the variables of a container as this program does.
///
/// # Errors
///
/// What this program would say at its start.
pub(super) fn run(container: &Node) -> Result<Run, String> {
    // The first word of `command` is the program.
    let mut words: Vec<_> = texts(&container.key("command")).into_iter().skip(1).collect();
    words.extend(texts(&container.key("args")));
    // The variables of the process that checks are not those of the container.
    let command = command().mut_args(|arg| arg.env(None::<&str>));
    let command = command.mut_subcommands(|subcommand| subcommand.mut_args(|arg| arg.env(None::<&str>)));
    words.extend(options_of_variables(container, &words));
    let words = std::iter::once(OsString::from("app")).chain(words.into_iter().map(OsString::from));
    let given = command.try_get_matches_from(words).map_err(first_line)?;
    let arguments = Arguments::from_arg_matches(&given).map_err(first_line)?;
    match arguments.command {
        None => Ok(of_host(&arguments.run.host)),
        Some(Command::Run(run)) => Ok(of_host(&run.host)),
        Some(Command::Serve(serve)) => Ok(Run {
            form: Form::Bare,
            addresses: Addresses { requests: ports::of(&serve.listen), probes: serve.probes, admin: None },
            lame_duck: serve.lame_duck,
            drain: serve.drain_timeout,
            grace: serve.grace,
        }),
        Some(_) => Err("it runs neither `run` nor `serve`".to_owned()),
    }
}

fn of_host(host: &fal_host::cli::HostOptions) -> Run {
    let addresses = Addresses { requests: Some(host.listen()), probes: host.probes(), admin: host.admin() };
    Run { form: Form::Host, addresses, lame_duck: host.lame_duck(), drain: host.drain_timeout(), grace: None }
}

fn texts(list: &Node) -> Vec<String> {
    list.items().iter().map(Node::shown).collect()
}

/// The variables of a container as options of its subcommand. An option that is given overrides its variable.
fn options_of_variables(container: &Node, words: &[String]) -> Vec<String> {
    let command = command();
    let subcommand = words.first().and_then(|word| command.find_subcommand(word)).unwrap_or(&command);
    let options = subcommand.get_arguments().filter(|option| matches!(option.get_action(), ArgAction::Set));
    let variables = container.key("env").items();
    let given = |flag: &str| {
        words.iter().any(|word| {
            let rest = word.strip_prefix("--").and_then(|word| word.strip_prefix(flag));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    let option = |option: &clap::Arg| {
        let (name, flag) = (option.get_env()?.to_str()?, option.get_long()?);
        let variable = variables.iter().find(|variable| variable.key("name").text() == Some(name))?;
        let value = variable.key("value").text()?;
        (!given(flag)).then(|| format!("--{flag}={value}"))
    };
    options.filter_map(option).collect()
}

/// The first line of an error of the command line has the error, the others have advice.
fn first_line(error: clap::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
