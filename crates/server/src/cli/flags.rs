use std::env::VarError;
use std::path::PathBuf;

use clap::Args;

use crate::cli::CliError;
use crate::command::connection::{SERVER_VARIABLE, TOKEN_VARIABLE};
use crate::settings::{Settings, SettingsError, SettingsSources};

/// Flags of every command.
#[derive(Debug, Args)]
pub(crate) struct CommonArgs {
    /// The settings file [default: ratchet.toml, if it exists]
    #[arg(long, global = true, value_name = "FILE", env = "RATCHET_CONFIG")]
    config: Option<PathBuf>,
    /// The database: sqlite://FILE or postgres://USER@HOST/NAME [default: sqlite://ratchet.db]
    #[arg(long = "database", global = true, value_name = "URL")]
    database_url: Option<String>,
    /// The server that is asked by the commands that use its API, as in http://127.0.0.1:8080 [env: RATCHET_SERVER] [default: the one
    /// that uses the database, or the database itself if none does]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "database_url", help_heading = SERVER)]
    server: Option<String>,
    /// The file that holds the token for that server, instead of the variable RATCHET_TOKEN
    #[arg(long, global = true, value_name = "FILE", help_heading = SERVER)]
    token_file: Option<PathBuf>,
}

const SERVER: &str = "Server";

impl CommonArgs {
    pub(crate) fn sources(&self) -> SettingsSources {
        SettingsSources::new()
            .with_file(self.config.as_deref())
            .with_environment(std::env::vars_os())
            .with_flag("--database", "database.url", self.database_url.as_ref())
    }

    pub(crate) fn settings(&self) -> Result<Settings, SettingsError> {
        Settings::load(self.sources())
    }

    /// The server that commands are to speak to, if one was named. A database that a flag names counts before a variable.
    pub(crate) fn server(&self) -> Result<Option<String>, CliError> {
        match (&self.server, &self.database_url) {
            (Some(server), _) => Ok(Some(server.clone())),
            (None, Some(_)) => Ok(None),
            (None, None) => variable(SERVER_VARIABLE),
        }
    }

    /// What a server is shown, if there is something.
    pub(crate) fn token(&self) -> Result<Option<String>, CliError> {
        let Some(file) = &self.token_file else {
            let token = variable(TOKEN_VARIABLE)?;
            return token.map(|token| in_a_header(TOKEN_VARIABLE, &token)).transpose();
        };
        let text = std::fs::read_to_string(file).map_err(|error| {
            CliError::Usage(format!(
                "--token-file is \"{}\": it cannot be read: {error}",
                file.display()
            ))
        })?;
        match text.trim() {
            "" => Err(CliError::Usage(format!(
                "--token-file is \"{}\": it is empty",
                file.display()
            ))),
            token => in_a_header(&format!("--token-file {}", file.display()), token).map(Some),
        }
    }

    /// Refuses a server for a command that asks none.
    pub(super) fn refuse_flags_of_a_server(&self) -> Result<(), CliError> {
        if self.server.is_none() && self.token_file.is_none() {
            return Ok(());
        }
        Err(CliError::Usage(
            "--server and --token-file go with `schedule`, `job`, `why`, `forecast`, `apply`, `export`, `token`, `audit`, and \
             with `task` list, show, create, edit, delete, enable, disable and sync: this command asks no server"
                .to_owned(),
        ))
    }

    /// Refuses a server for a command that works on a database itself: that of the settings may be another's.
    pub(super) fn refuse_server_beside_database(&self) -> Result<(), CliError> {
        let named = match &self.server {
            Some(server) => format!("--server is \"{server}\""),
            None => match self.server()? {
                Some(server) => format!("{SERVER_VARIABLE} is \"{server}\""),
                None => return self.refuse_flags_of_a_server(),
            },
        };
        Err(CliError::Usage(format!(
            "{named}: this command asks no server, it works on a database itself. Name that with --database URL, or leave the server \
             out for the database of the settings"
        )))
    }
}

/// A token as it can be shown; what is none is not repeated, as it may hold one.
fn in_a_header(source: &str, token: &str) -> Result<String, CliError> {
    let token = token.trim();
    if !token.is_empty() && token.chars().all(|character| character.is_ascii_graphic()) {
        return Ok(token.to_owned());
    }
    Err(CliError::Usage(format!(
        "{source} holds no token: a token is one word such as rat_…, which `ratchet token create` prints"
    )))
}

/// A variable that is set, and not empty.
fn variable(name: &str) -> Result<Option<String>, CliError> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(CliError::Usage(format!("{name} is not Unicode"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_word_and_what_is_none_is_not_repeated() {
        assert_eq!(in_a_header("RATCHET_TOKEN", "rat_1_2\n").unwrap(), "rat_1_2");
        let error = in_a_header("RATCHET_TOKEN", "rat_1_2\nand more").unwrap_err();
        assert!(matches!(error, CliError::Usage(_)), "{error}");
        assert!(
            error.to_string().starts_with("RATCHET_TOKEN ") && !error.to_string().contains("rat_1"),
            "{error}"
        );
    }
}
