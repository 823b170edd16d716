use clap::Args;
use ratchet_interfaces::{Clock, RepositoryError, RepositoryFactory, Token, TokenId, truncate_to_micros};
use ratchet_scheduler::SystemClock;

use crate::cli::{CliError, CommonArgs, print};
use crate::command::stored::read_from;

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// Its name or id
    #[arg(value_name = "TOKEN")]
    token: String,
}

impl RevokeArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let text = read_from(common, async |repositories| {
            let failed = |error: RepositoryError| CliError::failed(&error);
            let token = find(&*repositories, &self.token).await.map_err(failed)?;
            let token = token
                .ok_or_else(|| CliError::Failed(format!("no token has the name or id \"{}\"", self.token)))?;
            let tokens = repositories.tokens();
            let now = truncate_to_micros(SystemClock::new().now());
            if !tokens.token_revoke(token.id, now).await.map_err(failed)? {
                return Ok(format!("token \"{}\" had been revoked before\n", token.name));
            }
            let mut text = format!("token \"{}\" is revoked\n", token.name);
            if !tokens.token_exists().await.map_err(failed)? {
                text.push_str(
                    "it was the last one: a server on loopback takes requests without a token now, and one on another \
                     address takes none\n",
                );
            }
            Ok(text)
        })?;
        print(&text)
    }
}

async fn find(repositories: &dyn RepositoryFactory, token: &str) -> Result<Option<Token>, RepositoryError> {
    let tokens = repositories.tokens();
    match token.parse::<TokenId>() {
        Ok(id) => tokens.token_find(id).await,
        Err(_) => tokens.token_find_by_name(token).await,
    }
}
