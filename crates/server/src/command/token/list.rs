use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::Args;
use ratchet_interfaces::{
    Clock, PageRequest, RepositoryError, RepositoryFactory, Token, TokenCondition, TokenFilter,
};
use ratchet_scheduler::SystemClock;
use serde_json::Value;

use super::{Form, shown, written};
use crate::cli::{CliError, CommonArgs, print};
use crate::command::columns::columns;
use crate::command::stored::read_from;

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Also those that are revoked
    #[arg(long)]
    all: bool,
    /// In which form
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = Form::Table)]
    output: Form,
}

impl ListArgs {
    pub(super) fn run(self, common: &CommonArgs) -> Result<(), CliError> {
        let Self { all, output } = self;
        let filter = TokenFilter::of((!all).then_some(TokenCondition::Revoked(false)));
        let tokens = read_from(common, async |repositories| {
            let tokens = every(repositories, &filter).await;
            tokens.map_err(|error| CliError::failed(&error))
        })?;
        print(&match output {
            Form::Json => format!("{:#}\n", Value::from_iter(tokens.iter().map(shown))),
            Form::Table => table(&tokens, SystemClock::new().now()),
        })
    }
}

async fn every(
    repositories: Arc<dyn RepositoryFactory>,
    filter: &TokenFilter,
) -> Result<Vec<Token>, RepositoryError> {
    let tokens = repositories.tokens();
    let mut every = Vec::new();
    loop {
        let request = PageRequest::new(every.len() as u64, PageRequest::MAX_LIMIT)?;
        let page = tokens.token_list(filter, request).await?;
        let is_last = (page.items.len() as u64) < PageRequest::MAX_LIMIT;
        every.extend(page.items);
        if is_last {
            return Ok(every);
        }
    }
}

pub(super) fn table(tokens: &[Token], now: DateTime<Utc>) -> String {
    let or_dash = |instant: Option<DateTime<Utc>>| instant.map_or_else(|| "-".to_owned(), written);
    let rows = tokens.iter().map(|token| {
        let state = match (token.revoked_at, token.is_valid(now)) {
            (Some(_), _) => "revoked",
            (None, false) => "expired",
            (None, true) => "valid",
        };
        [
            token.name.clone(),
            token.scope.to_string(),
            state.to_owned(),
            written(token.created_at),
            or_dash(token.expires_at),
            or_dash(token.last_used_at),
            token.id.to_string(),
        ]
    });
    columns(
        ["NAME", "SCOPE", "STATE", "CREATED", "EXPIRES", "LAST USED", "ID"],
        rows,
    )
}
