//! The flags of collectors as clap arguments, made from the table: `--[no-]collector.NAME` for each, what each lists as
//! its own, and `--collector.disable-defaults`.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::collector::ALL;
use crate::flag::{Flag, Flags, Value};

const DISABLE_DEFAULTS: &str = "collector.disable-defaults";

/// Which collectors are on, and what their flags say.
#[derive(Clone, Debug, Default)]
pub struct CollectorArgs {
    pub on: Vec<&'static str>,
    pub flags: Flags,
}

impl clap::Args for CollectorArgs {
    fn augment_args(command: Command) -> Command {
        let mut command = switch(command, DISABLE_DEFAULTS, "Set all collectors to disabled by default");
        for entry in ALL {
            let state = if entry.on { "enabled" } else { "disabled" };
            command = switch(command, &enabled(entry.name), &format!("Enable the {} collector (default: {state})", entry.name));
        }
        for flag in own_flags() {
            command = match flag.value {
                Value::Switch(default) => switch(command, flag.name, &format!("{} (default: {default})", flag.help)),
                Value::Text("") => command.arg(text(flag).overrides_with(flag.name)),
                // Not clap's own default: a text that was not given must be told from one that was.
                Value::Text(default) => {
                    command.arg(text(flag).overrides_with(flag.name).help(format!("{} [default: {default}]", flag.help)))
                }
                Value::List => command.arg(text(flag).action(ArgAction::Append)),
            };
        }
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for CollectorArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let none = given(matches, DISABLE_DEFAULTS).unwrap_or(false);
        let on = ALL.iter().filter(|entry| given(matches, &enabled(entry.name)).unwrap_or(entry.on && !none));
        let on = on.map(|entry| entry.name).collect();
        let mut flags = Flags::default();
        for flag in own_flags() {
            let values: Vec<String> = match flag.value {
                Value::Switch(_) => given(matches, flag.name).map(|on| on.to_string()).into_iter().collect(),
                Value::Text(_) | Value::List => matches.get_many(flag.name).into_iter().flatten().cloned().collect(),
            };
            if !values.is_empty() {
                flags.give(flag, values);
            }
        }
        Ok(Self { on, flags })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn own_flags() -> impl Iterator<Item = &'static Flag> {
    ALL.iter().flat_map(|entry| entry.flags.iter().copied())
}

fn enabled(collector: &str) -> String {
    format!("collector.{collector}")
}

fn switch(command: Command, name: &str, help: &str) -> Command {
    let negative = format!("no-{name}");
    let one = |id: &str, other: &str| {
        Arg::new(id.to_owned())
            .long(id.to_owned())
            .action(ArgAction::SetTrue)
            .overrides_with(other.to_owned())
            .overrides_with(id.to_owned())
    };
    command.arg(one(name, &negative).help(help.to_owned())).arg(one(&negative, name).hide(true))
}

// The last of --name and --no-name; `None` if neither was given.
fn given(matches: &ArgMatches, name: &str) -> Option<bool> {
    if matches.get_flag(name) { Some(true) } else { matches.get_flag(&format!("no-{name}")).then_some(false) }
}

fn text(flag: &'static Flag) -> Arg {
    let value = flag.name.rsplit('.').next().unwrap_or_default().to_uppercase();
    Arg::new(flag.name).long(flag.name).value_name(value).help(flag.help).hide(flag.help.is_empty())
}
