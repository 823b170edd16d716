use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::sources::SettingsSources;
use super::table::declarations;
use super::{Declaration, Settings};

/// The one flag that every command has, and that therefore stands with those.
const OF_EVERY_COMMAND: &str = "database.url";

/// The flags that set something, as they were given. Their values are texts here, so that a wrong one is refused in
/// the same words as in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct SettingFlags {
    given: Vec<(&'static str, &'static str, String)>,
}

impl SettingFlags {
    /// The sources, and these flags above them.
    pub(crate) fn over(self, sources: SettingsSources) -> SettingsSources {
        self.given
            .into_iter()
            .fold(sources, |sources, (flag, key, value)| {
                sources.with_flag(flag, key, Some(value))
            })
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        let defaults = Settings::default();
        command.args(flags().map(|(name, value_name, declaration)| {
            Arg::new(declaration.key)
                .long(name.trim_start_matches('-'))
                .value_name(value_name)
                .allow_negative_numbers(true)
                .help(help(declaration, &defaults))
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.given.extend(flags().filter_map(|(name, _, declaration)| {
            let value = matches.get_one::<String>(declaration.key)?;
            Some((name, declaration.key, value.clone()))
        }));
        Ok(())
    }
}

fn flags() -> impl Iterator<Item = (&'static str, &'static str, &'static Declaration)> {
    declarations()
        .filter(|declaration| declaration.key != OF_EVERY_COMMAND)
        .filter_map(|declaration| {
            let flag = declaration.flag.as_ref()?;
            Some((flag.name, flag.value_name, declaration))
        })
}

/// What the command line says of a flag: without the marks of Markdown, and with what holds when it is not given.
fn help(declaration: &Declaration, defaults: &Settings) -> String {
    let about = declaration.about.replace('`', "");
    let about = about.trim_end_matches('.');
    let range = declaration
        .range_in_words()
        .map_or_else(String::new, |range| format!(" ({range})"));
    let default = declaration
        .default_in_words(defaults)
        .unwrap_or_else(str::to_owned);
    format!("{about}{range} [default: {}]", default.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_of_a_flag_is_the_sentence_of_its_setting_with_range_and_default() {
        let command = SettingFlags::augment_args(Command::new("serve"));
        let help = |key: &str| {
            let argument = command.get_arguments().find(|argument| argument.get_id() == key);
            argument.unwrap().get_help().unwrap().to_string()
        };
        assert_eq!(
            help("scheduler.max_concurrent_jobs"),
            "How many jobs run at once (1 to 10000 jobs) [default: 100]"
        );
        assert!(help("log.format").ends_with("[default: text]"));
        assert!(
            command
                .get_arguments()
                .all(|argument| argument.get_id() != OF_EVERY_COMMAND)
        );
    }

    #[test]
    fn a_flag_that_was_given_counts_before_everything_else() {
        let command = SettingFlags::augment_args(Command::new("serve"));
        let matches = command.get_matches_from(["serve", "--max-concurrent-jobs", "-3", "--bind", "[::1]:1"]);
        let flags = SettingFlags::from_arg_matches(&matches).unwrap();
        let error = Settings::load(flags.over(SettingsSources::new())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "scheduler.max_concurrent_jobs is \"-3\" (flag --max-concurrent-jobs): allowed is a whole number"
        );
    }
}
