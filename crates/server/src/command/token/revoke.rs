use clap::Args;
use ratchet_interfaces::TokenId;

use crate::cli::{CliError, CommonArgs, note};
use crate::command::confirmation::Confirmation;
use crate::command::connection::{Call, Purpose, connected_beside};
use crate::command::form::FormArgs;
use crate::command::named::{id, text};
use crate::command::table::harmless;

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// Its name or id
    #[arg(value_name = "TOKEN")]
    token: String,
    #[command(flatten)]
    confirmation: Confirmation,
    #[command(flatten)]
    form: FormArgs,
}

impl RevokeArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        connected_beside(common, Purpose::Change, async |connection| {
            let of_id = self.token.parse::<TokenId>().ok();
            let left = Call::get("/tokens").with("revoked", false);
            let left = connection.list(left, u64::MAX).await?.rows;
            let found = left.iter().find(|token| match of_id {
                Some(wanted) => id(token) == wanted.to_string(),
                None => text(token, "name") == self.token,
            });
            // Of one that is revoked already the API knows the id.
            let wanted = match (found, of_id) {
                (Some(token), _) => id(token).to_owned(),
                (None, Some(wanted)) => wanted.to_string(),
                (None, None) => {
                    return Err(CliError::Failed(format!(
                        "no token has the name or id \"{}\"; `ratchet token list` shows what there is",
                        self.token
                    )));
                }
            };
            if let Some(token) = found {
                let (name, scope) = (text(token, "name"), text(token, "scope").to_lowercase());
                self.confirmation
                    .ask(&format!("Revoke the token {name} ({scope}) for good?"))?;
            }
            let revoked = connection
                .send(Call::delete(format!("/tokens/{wanted}")))
                .await?
                .body;
            if found.is_some() && left.len() == 1 {
                note(
                    "note: it was the last one: a server on loopback takes requests without a token now, and one on another \
                     address takes none",
                );
            }
            self.form
                .print(&revoked, || format!("{}\n", harmless(text(&revoked, "message"))))
        })
    }
}
